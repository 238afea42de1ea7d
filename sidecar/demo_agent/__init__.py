"""A scripted full-screen TUI that behaves like the real agent CLIs: `python -P -m sidecar.demo_agent`.

The core is pure: keys and time in, facts and a screen model out. Only `app` knows a terminal, a clock or a file.
Nothing here imports the rest of the sidecar, because it is an agent like any other. Standard library only.
"""
