"""How an answer comes: the call, its retries, what the room is shown meanwhile, and what is kept of it."""
