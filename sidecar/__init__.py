"""One agent in one terminal: reads what it is doing, types what it is told, proves that it was read.

Must not know the controller, nor anything of the gateway beyond its protocol and its client.
"""
