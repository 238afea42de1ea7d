"""The requests of a client, by what they are about."""
