"""The rules of a room's conversation: sessions, shared contexts, loop checks, reply targets. Does no I/O."""
