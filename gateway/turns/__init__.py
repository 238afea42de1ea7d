"""The engine of turn modes: whose turn it is, when a turn ends. Does no I/O; knows nothing of the gateway's state."""
