"""The client of a member that has keys: it seals and signs what goes out, and opens and checks what comes in."""
