"""Completes words of `groupchat` in bash, zsh and fish.

A shell waits for it at each Tab, so it imports neither the library that reads the command line nor an event loop: an
index of all commands is kept in a file, and the gateway is asked by one plain HTTP request.
"""
