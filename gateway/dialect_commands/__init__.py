"""`groupchat skynet` and `groupchat agentchat`: what the command lines of those systems can do, for their users.

They know neither the hub nor the store: to a server they are clients like any other.
"""
