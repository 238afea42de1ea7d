"""Requests that send, mark and read messages. Knows no HTTP."""
