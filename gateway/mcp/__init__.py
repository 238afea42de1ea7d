"""The agents' own hands: tools of the room over the Model Context Protocol.

A process of its own, which knows the gateway only as any client does: the SDK takes long to import, and must not stall
the rooms. Who calls is who the token says.
"""
