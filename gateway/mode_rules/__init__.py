"""The turn modes of a room: who takes part, what messages mean to a mode, what a mode does to the room. Does no I/O."""
