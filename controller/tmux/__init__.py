"""The tmux session: panes and their layout."""
