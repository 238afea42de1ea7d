"""The log in Redis: a stream decides what was said, and a SQLite file is this gateway's copy of it. It must not know
rules, permissions or sockets, and nothing imports it unless the store is Redis."""
