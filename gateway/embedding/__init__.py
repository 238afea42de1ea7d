"""Vectors of messages, made by an embedding model: behind an HTTP endpoint, or in a folder of this machine. It must not
know rules or sockets."""
