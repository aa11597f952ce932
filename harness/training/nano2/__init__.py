"""The nano-2 world: a model of a few million parameters that writes its working, and how it is trained from scratch."""
