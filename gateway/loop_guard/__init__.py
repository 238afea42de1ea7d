"""The loop guard stops agents that keep answering each other. Does no I/O; knows no gateway state."""
