"""The command line that the three programs share: common options, groups of verbs, help pages, and errors.

It knows nothing of what a verb does. A verb is a function; its docstring is its help page, and what it needs beyond its
options it imports when it runs, so that help needs neither an event loop nor a connection.
"""
