"""Listening sockets that hold few strangers: how many connections may wait unproven. Every server of ours uses it."""
