"""What is done to pages that Sphinx has written."""
