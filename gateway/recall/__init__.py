"""Which earlier messages answer a question: words, ranking, passages. Pure; it must not know the store."""
