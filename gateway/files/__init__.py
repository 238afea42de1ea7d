"""Private files and logs: their ownership and their size limits. Knows no gateway."""
