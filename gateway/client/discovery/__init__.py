"""Finds the gateway and the team that a command means: options, environment, files, sockets. Speaks no protocol."""
