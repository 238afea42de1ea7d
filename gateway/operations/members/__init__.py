"""Requests about members: who they are, how they connect, what their agents do and show. Knows no HTTP."""
