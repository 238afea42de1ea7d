"""Opening a state folder: its locks, its store, its tokens, and why that can fail."""
