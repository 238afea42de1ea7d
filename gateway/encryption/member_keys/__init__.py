"""Keys of members: records, fingerprints, pins, signatures. Knows neither rooms nor messages."""
