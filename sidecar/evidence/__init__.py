"""What the sidecar learns about an agent beside its screen: facts of a turn, marks in the output."""
