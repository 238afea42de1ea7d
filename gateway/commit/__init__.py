"""The committer: writes log events to disk in batches, and answers the requests after the commit."""
