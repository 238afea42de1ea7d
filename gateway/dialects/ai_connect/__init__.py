"""The protocol of AI-Connect, for its own clients."""
