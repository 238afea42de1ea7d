"""The rules of custom tools: what they offer, calls of them, and the check of arguments. Pure."""
