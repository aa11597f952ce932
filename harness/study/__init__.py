"""The reference study: a declared plan of trainings and evaluations, run as resumable steps, and what it showed.

``plan`` is the declaration (YAML), ``steps`` what it comes to as child processes, ``running`` runs them, ``results``
reads what they left. The formulas are in :mod:`harness.scoring.study.comparison`.
"""
