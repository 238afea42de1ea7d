"""Vectors of messages, made by an embedding model behind an HTTP endpoint. It must not know rules or sockets."""
