"""The ledger: what happened to an entry, and where that leaves it."""
