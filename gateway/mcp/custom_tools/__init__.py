"""How agents see custom tools: a list of them, and calls."""
