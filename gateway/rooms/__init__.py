"""Rooms, members and messages: who enters, who leaves, what is said. Does no I/O."""
