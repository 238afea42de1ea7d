"""Text as rows of a terminal: wrapped, cleaned, marked. Knows nothing of the chat's state."""
