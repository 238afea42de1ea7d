"""Keeps the gateway up without a terminal, by the service manager of the system."""
