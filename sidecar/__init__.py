"""One agent in one terminal: observes it, types messages into it, and proves that it read them.

Must not know the controller, nor anything of the gateway beyond its protocol and its client.
"""
