"""The rules that chapters must keep, by what they look at."""
