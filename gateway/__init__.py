"""The rooms: what was said, by whom, to whom, and what became of it.

The gateway must not know how an agent's terminal looks or how a chat is drawn.
"""

__version__ = "0.1.0"
