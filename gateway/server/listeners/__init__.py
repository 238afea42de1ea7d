"""The addresses on which the gateway listens, and what is served on each."""
