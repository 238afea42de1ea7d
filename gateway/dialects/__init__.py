"""Other systems' wire formats, each a thin adapter over the same hub. A dialect keeps no state of its own."""
