"""The records that are stored, and the tables that hold them in memory. Does no I/O."""
