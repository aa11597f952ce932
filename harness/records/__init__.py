"""Records: what a run is and what it found, as files: run folders, samples, suites, tables and logs of other tools."""
