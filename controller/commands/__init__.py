"""What a line of the chat means, and the words for states. Does no I/O."""
