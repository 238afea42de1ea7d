"""Snapshots of the log and of the gateway's own files. Knows no rules, no members and no connections."""
