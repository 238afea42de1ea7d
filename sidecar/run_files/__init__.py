"""The plan of a run, and what is kept of it in the private folder of its agent: journals, and who holds the folder."""
