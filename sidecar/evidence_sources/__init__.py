"""Evidence beside the screen: hooks, transcripts, status files."""
