"""Recall: which earlier messages answer a question. It must not know rules, permissions or sockets."""
