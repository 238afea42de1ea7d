"""Messages as the agent reads them, and replies as the room reads them. Does no I/O."""
