"""Dialogs in the agent's terminal: recognised, announced to the room, answered."""
