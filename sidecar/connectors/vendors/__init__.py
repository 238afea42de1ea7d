"""One module for each vendor's wire, by its official SDK, and the table of them. They must not know the room."""
