"""What travels about custom tools: the operations that they offer, and calls of them. No I/O, no clock."""
