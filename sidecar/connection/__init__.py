"""The connection to the gateway: registering, reconnecting, reporting."""
