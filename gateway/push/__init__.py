"""Committed events on their way to the connections, and who is connected. Knows no HTTP."""
