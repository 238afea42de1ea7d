"""The types that requests, results and events are made of."""
