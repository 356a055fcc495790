"""Adversarial training for linear models: the package beneath the chapters of the lecture.

Each module is a room of one house and imports only from the rooms above it; see the API page of
the book. Nothing is imported here, so that a chapter pays only for what it uses.
"""

__version__ = "0.1.0"
