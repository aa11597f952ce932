"""Numbers: each number of the board by its name, quoted, computed again and printed."""
