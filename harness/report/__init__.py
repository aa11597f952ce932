"""Report: one pair's scorecard, for the terminal (``terminal``) and as a page of its own (``page``)."""
