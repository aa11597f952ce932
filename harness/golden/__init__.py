"""Golden sets: a team's own questions in a file (CSV, TSV or JSON lines), as the tasks of a suite.

The file is data: nothing in it is executed, and nothing outside its folder is read.
"""

import lazy_loader as lazy

# The names and where they come from are in __init__.pyi; a module is imported when a name of it is first used.
__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)
