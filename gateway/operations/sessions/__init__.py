"""Requests about sessions and shared documents that need the store. Knows no HTTP."""
