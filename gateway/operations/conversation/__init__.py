"""Requests that send and read messages, sessions and shared documents. Knows no HTTP."""
