"""What the gateway counts about its traffic, and how Prometheus reads it. Knows neither state nor store."""
