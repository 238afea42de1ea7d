"""Brings each waiting message into the agent once, and proves that it was read."""
