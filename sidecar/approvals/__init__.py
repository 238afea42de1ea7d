"""Questions in the agent's terminal: found, told to the room, answered."""
