"""Snapshots by hand: take, list, verify and restore them. Knows no running gateway but its locks."""
