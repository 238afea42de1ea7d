"""The team file and what follows from it. Does no I/O."""
