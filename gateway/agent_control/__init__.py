"""What reaches an agent besides messages: approvals, orders, updates of deliveries. Does no I/O."""
