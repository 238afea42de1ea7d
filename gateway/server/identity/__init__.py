"""Identity providers whose tokens are accepted: their files and keys, and the door for their members. Decides none."""
