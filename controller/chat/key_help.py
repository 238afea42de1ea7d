"""The keys of the chat, as its help lists them. Pure."""

from __future__ import annotations

KEY_HELP = (
    ("Enter", "send, or take what is chosen in the menu"),
    ("Ctrl-J, Alt-Enter", "a new line"),
    ("Tab, Shift-Tab", "complete; then the next, the one before"),
    ("Up, Down", "what you wrote before; in a list, its items"),
    ("Esc", "close what is open, else the newest message; what you write stays as it is"),
    ("Ctrl-C", "empty the line; Ctrl-Y or Ctrl-_ brings it back"),
    ("Alt-Left, Alt-Right", "by words; Ctrl-W takes one away"),
    ("PgUp, PgDn, Alt-Up, Alt-Down", "through the history"),
    ("Ctrl-Home, Ctrl-End", "the beginning of the room, its newest message"),
    ("F1", "this help"),
    ("F2", "choose the oldest question, or vote; then its key (y, n; w refuses with words, o shows its terminal)"),
    ("F3", "unfold long messages and questions, and fold them again"),
    ("F4", "let the mouse wheel scroll the chat"),
    ("F6", "the last message that names you; again, the one before"),
    ("F8", "end what the busy agents work on, as /stop does"),
    ("Ctrl-Z", "to the shell, `fg` returns; not in a session"),
    ("Ctrl-D", "leave; agents and gateway go on"),
)
