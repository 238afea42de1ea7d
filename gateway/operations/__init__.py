"""Each operation of the protocol and the function that answers it. Knows no HTTP."""
