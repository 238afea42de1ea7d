"""What a message leads to: which messages it answers, whom it wakes (the loop guard), what it has cost. Does no I/O."""
