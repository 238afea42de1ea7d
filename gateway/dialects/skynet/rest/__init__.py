"""The REST interface of Skynet Linker's server."""
