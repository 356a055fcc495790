"""What an author runs on chapters; README.md says how."""
