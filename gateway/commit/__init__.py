"""The one writer: facts wait for the disk, go there in batches, and are answered when they are there."""
