"""Evidence that is not the screen: hooks, transcripts, status files."""
