"""The sidecar's processes and files: supervisor, agent folder, journals. This file imports nothing."""
