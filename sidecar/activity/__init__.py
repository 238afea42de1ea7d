"""Whether the agent is busy, idle or asking."""
