"""The simple HTTP interface of LLM Group Chat, for its own clients."""
