"""Keys of sealed rooms: who gets them, who may be added, when a new one is due. Knows no messages."""
