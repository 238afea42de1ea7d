"""The parts of a running sidecar: how they are made, and what follows from a look, an event, a key and an order."""
