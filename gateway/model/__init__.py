"""The gateway's state in memory, and the events that change it. Does no I/O; decides nothing."""
