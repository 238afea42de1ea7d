"""A question as the screen shows it and as hooks report it. Knows nothing of the room."""
