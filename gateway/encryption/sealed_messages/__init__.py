"""Sealing and opening messages, and the chain of each writer. Knows no files and no gateway."""
