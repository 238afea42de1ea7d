"""Marks that members put on messages and rooms: reactions, pins, muted rooms. A mark wakes nobody. Does no I/O."""
