"""The process: start, listeners, supervision, end."""
