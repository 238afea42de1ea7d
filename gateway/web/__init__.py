"""The page of the gateway: its files and the one HTTP route that a browser needs. Knows no rules and no store."""
