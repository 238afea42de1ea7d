"""What happens by the clock: one scheduler, expiry, and a clock that is set."""
