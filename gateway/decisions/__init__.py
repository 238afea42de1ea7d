"""The rules of votes and proposals: voters, answers, counting, announcements. Does no I/O."""
