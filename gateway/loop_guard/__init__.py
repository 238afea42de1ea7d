"""What stops agents from answering each other for ever. Does no I/O; knows no state."""
