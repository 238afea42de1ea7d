"""Private keys and pins on the disk of a member's machine. Knows no gateway."""
