"""The protocol of AgentChat, for its own clients."""
