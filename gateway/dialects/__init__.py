"""Wire formats of other systems, each a thin adapter to the same hub."""
