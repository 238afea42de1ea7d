"""An agent's question: what it shows, its card, and the card that is chosen."""
