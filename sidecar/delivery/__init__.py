"""Types each waiting message into the agent exactly once and proves that the agent read it."""
