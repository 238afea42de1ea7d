"""The file that says how an agent is started and what its screen means: its format, its faults, and how long its
regular expressions may take. Must not know: a screen, an agent, a terminal."""
