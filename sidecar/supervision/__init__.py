"""The supervisor, and what it ends after a crash. This file imports nothing."""
