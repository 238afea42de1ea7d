"""What stands around the message stream: the rooms, the roster, the hint above the input."""
