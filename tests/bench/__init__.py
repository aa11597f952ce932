"""The benchmark: ``python -m tests.bench`` (or ``make bench``) measures this project against lm-eval and raw vLLM.

Every comparison runs side by side in one session, interleaved, on the same items, engine and settings; results go to
``results/<machine class>.json`` and, as a table, to ``results/README.md``.
"""
