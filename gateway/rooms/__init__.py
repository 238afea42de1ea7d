"""The rules of rooms, members, tokens and messages. Does no I/O."""
