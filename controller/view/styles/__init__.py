"""The colours, styles and signs of the chat. Knows no message and no member."""
