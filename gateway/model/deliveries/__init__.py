"""Deliveries in memory: their states, those that are open, and the headers of the newest messages. Does no I/O."""
