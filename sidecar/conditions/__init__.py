"""What keeps an agent from working beside its activity: usage limits, logins, full conversations. Pure: it knows no
terminal, no socket and no clock."""
