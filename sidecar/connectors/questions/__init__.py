"""What a model is asked: the conversation that it may see, within a budget, and who it is. It must not know vendors."""
