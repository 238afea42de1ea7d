"""The chat as rows of text. Does no I/O; knows no terminal."""
