"""The message stream as rows, and what is shown in its place: lists, search results, the first steps."""
