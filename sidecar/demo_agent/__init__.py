"""A scripted full-screen TUI with the manners of the real agent CLIs: `python -P -m sidecar.demo_agent`.

The core is pure: keys and time in, facts and a screen model out. Only `body` knows a terminal, a clock or a file,
and nothing here may know the rest of the sidecar: it is an agent like any other. Standard library only.
"""
