"""Work on a state folder beside the running gateway: export, import, checks."""
