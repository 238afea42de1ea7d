"""Private files and logs: who owns them, how long they may grow. Knows no gateway."""
