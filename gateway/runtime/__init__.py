"""The running gateway: the hub, in which rules, store and connections meet. Knows no HTTP."""
