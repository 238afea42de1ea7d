"""The parts of a running sidecar: how they are built, and how they handle looks, events, keys and orders."""
