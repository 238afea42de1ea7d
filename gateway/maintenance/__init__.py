"""Maintenance of a state folder: export, import, checks."""
