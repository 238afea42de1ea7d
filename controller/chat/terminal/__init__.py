"""What the chat does with its terminal and with other programs: clipboard, editor, background colour."""
