"""The chat in the top pane, built with prompt-toolkit."""
