"""A deck of slides for each chapter, from `slides/`, with what the book's last build computed."""
