"""Requests about who may come in: devices, read-only links, tokens, the page in the local network. Knows no HTTP."""
