"""How long rooms keep their messages, and removing what they no longer keep. Knows no connections."""
