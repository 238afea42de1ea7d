"""Turns messages into text for the agent, and its answers into replies for the room. Does no I/O."""
