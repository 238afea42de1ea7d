"""The rules of turn modes in a room: roles, the meaning of messages to a mode, its effects. Does no I/O."""
