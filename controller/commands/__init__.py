"""Parses the chat's lines, and words states for people. Does no I/O."""
