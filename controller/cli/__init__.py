"""The commands of `groupchat`."""
