"""The chat in the top pane, by prompt-toolkit."""
