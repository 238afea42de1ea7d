"""Requests about the gateway itself: its health and the figures of its traffic. Knows no HTTP."""
