"""The agent's PTY, the person's terminal around it, recordings. Knows no gateway."""
