"""The gateway process: start, listeners, supervision, stop."""
