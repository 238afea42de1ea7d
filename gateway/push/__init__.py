"""Pushes committed events to connections, and keeps track of who is connected. Knows no HTTP."""
