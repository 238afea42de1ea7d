"""Guides a person through recording a program of which we have no recordings: what to do, and what was true of it. Must
not know: an agent, a room.
"""
