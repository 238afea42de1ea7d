"""The keys of members, for chat and commands: passphrases, the client that seals, whom this machine trusts. Nothing is
printed here but questions."""
