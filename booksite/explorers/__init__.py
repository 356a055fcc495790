"""Explorers on pages without a kernel."""
