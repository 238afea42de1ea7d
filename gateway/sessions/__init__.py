"""The rules of sessions, and of the documents that members share. Does no I/O."""
