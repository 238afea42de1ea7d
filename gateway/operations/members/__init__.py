"""Requests about who is here: greeting, members, tokens, status. Knows no HTTP."""
