"""The human's side: the commands, the chat and the launcher.

The controller must not know how a terminal is read or how rooms are stored; it sees the protocol and the client.
"""
