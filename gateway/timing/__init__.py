"""The scheduler, and the handling of clock changes."""
