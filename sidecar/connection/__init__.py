"""The connection to the gateway: joining, staying joined, reporting."""
