"""One file per family of statements."""
