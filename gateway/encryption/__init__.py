"""Keys of members, sealed and signed messages, and keys of sealed rooms, as design note 18 says. For the programs of
members: the process of the gateway must not know it."""
