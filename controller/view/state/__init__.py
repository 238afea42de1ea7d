"""What the chat knows: its messages, members, rooms, drafts and connection. Paints nothing."""
