"""States, decisions and figures in words, for the chat and the shell. Does no I/O."""
