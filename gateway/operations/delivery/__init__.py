"""Requests of an inbox and about deliveries. Knows no HTTP."""
