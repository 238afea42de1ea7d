"""Requests that both the chat and the commands make."""
