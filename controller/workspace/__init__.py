"""A team's processes on this machine: start, stop, watch."""
