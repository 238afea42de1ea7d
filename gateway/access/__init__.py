"""Who may do what, and how often: permissions, tokens, signatures, rates. Does no I/O; knows no state."""
