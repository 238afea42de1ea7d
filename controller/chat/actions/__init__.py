"""What each command of the chat does. Knows no screen."""
