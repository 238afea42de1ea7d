"""Identity providers whose tokens are accepted: their file, their keys, and the door for their members. Decides nothing."""
