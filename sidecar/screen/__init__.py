"""What an agent's screen shows, and what the rules for its CLI conclude from it. Knows no vendor."""
