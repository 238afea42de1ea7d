"""Lines of files that agents share, with secrets masked."""
