"""The chat on the full screen: layout, keys, select mode."""
