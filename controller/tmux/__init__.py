"""tmux: sessions, panes and their places."""
