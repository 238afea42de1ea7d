"""The rules by which members control agents: approvals, orders to the terminal, delivery updates. Does no I/O."""
