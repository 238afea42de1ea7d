"""What belongs to the talk in a room: sessions, shared contexts, loop checks, reply targets. Does no I/O."""
