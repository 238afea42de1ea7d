"""The rules of a room's conversation: sessions, shared contexts, whom a message wakes (the loop guard), reply targets.
Does no I/O.
"""
