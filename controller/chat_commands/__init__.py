"""What a line of the chat means: its commands, their help, and what a line asks for. Does no I/O."""
