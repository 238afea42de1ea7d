"""Whether a message may be typed now, and the one writer that types. Knows no gateway."""
