"""What is on an agent's screen, and what the rules for its CLI say that it means. Knows no vendor."""
