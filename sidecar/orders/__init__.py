"""Orders from the room: pause, keys, stop, restart."""
