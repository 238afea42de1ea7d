"""Skynet's namespaces in Redis as a read-only copy of the rooms. It must not know how Redis is reached."""
