"""The operations of the protocol by subject: request, result, path in REST, and the function that answers."""
