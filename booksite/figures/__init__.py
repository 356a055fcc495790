"""Figures: as a picture, as a table of what they show, and the link from one to the other."""
