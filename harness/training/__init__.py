"""Training: heavy (torch, transformers), so nothing above or beside it imports it before it is used."""
