"""Documents: the files that an author writes, read as hostile input."""
