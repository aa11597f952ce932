"""Submit: from a finished run to an entry and a pull request."""
