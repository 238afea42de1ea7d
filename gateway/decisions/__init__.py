"""Votes and proposals: who may vote, how votes are counted, how the result reads. Does no I/O."""
