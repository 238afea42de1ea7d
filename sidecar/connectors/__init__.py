"""Members without a terminal: a message becomes a request to a model, and the model's answer the reply. It must not
know terminals, screens and the programs of vendors."""
