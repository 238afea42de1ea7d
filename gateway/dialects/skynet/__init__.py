"""The protocol of Skynet Linker, for its own clients."""
