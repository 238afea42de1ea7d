"""What tmux writes into borders and status line, as its formats and options. Pure."""

from __future__ import annotations

from controller.wording.member_state_text import BorderText


def escape_format(text: str) -> str:
    """Text that tmux shows as it is: `#` begins a format there."""
    return text.replace("#", "##")


def window_option_words(window: str) -> list[str]:
    """Further words of a call of tmux that set our options on a window."""
    return [
        word for name, value in WINDOW_OPTIONS.items() for word in (";", "set-option", "-w", "-t", window, name, value)
    ]


def border_options(border: BorderText) -> dict[str, str]:
    """The options of a pane from which its border is made. Only tmux knows how wide the pane is now, so it gets shorter
    forms of the state too."""
    return {
        "@groupchat_title": border.title,
        "@groupchat_state": border.words,
        "@groupchat_state_short": border.first(2),
        "@groupchat_state_shortest": border.first(1),
    }


def _fits(option: str) -> str:
    return f"#{{e|<:#{{e|+:#{{n:@groupchat_title}},#{{n:{option}}}}},#{{e|-:#{{pane_width}},5}}}}"


# The agent's state in words, as many of them as fit, and the waiting messages as the sidecar tells them if both fit;
# while the chat knows no state, what the sidecar tells. A dead pane shows how its program ended.
_TEXT_COLUMNS = "#{e|+:#{n:@groupchat_title},#{e|+:#{n:@groupchat_state},#{n:@groupchat_ghost}}}"


_GHOST_FITS = f"#{{e|<:{_TEXT_COLUMNS},#{{e|-:#{{pane_width}},8}}}}"


_WITH_GHOST = f"#{{@groupchat_state}}#{{?{_GHOST_FITS}, · #{{@groupchat_ghost}},}}"


_SHORTENED = f"#{{?{_fits('@groupchat_state_short')},#{{@groupchat_state_short}},#{{@groupchat_state_shortest}}}}"


_WITHIN = f"#{{?{_fits('@groupchat_state')},#{{?@groupchat_ghost,{_WITH_GHOST},#{{@groupchat_state}}}},{_SHORTENED}}}"


_ALIVE_FORMAT = f"#{{?@groupchat_state,{_WITHIN},#{{@groupchat_ghost}}}}"


_STATE_FORMAT = f"#{{?pane_dead,ended#{{?pane_dead_status, (exit #{{pane_dead_status}}),}},{_ALIVE_FORMAT}}}"


WINDOW_OPTIONS = {
    "pane-border-status": "top",
    "pane-border-format": f" #{{?pane_active,#[bold],}}#{{@groupchat_title}}#[nobold] {_STATE_FORMAT} ",
    "remain-on-exit": "on",
    "automatic-rename": "off",
    "allow-rename": "off",
}


_NARROW = "#{e|<:#{client_width},80}"


_LEAVES = " #{prefix} d leaves"


_HAS_WINDOWS = "#{!=:#{session_windows},1}"


_MOVES = f"#{{?{_HAS_WINDOWS},#{{prefix}} n is the next agent,#{{prefix}} arrow moves}}"


_SHORT = f"#{{&&:{_HAS_WINDOWS},#{{e|<:#{{client_width}},120}}}}"  # the names of the windows take the rest


_LEAVES_OR_MOVES = f"#{{?{_SHORT},{_LEAVES}#, #{{prefix}} n next ,{_LEAVES}#, agents go on; {_MOVES} }}"


SESSION_OPTIONS = {
    "status-right": f"#{{?{_NARROW},{_LEAVES} ,{_LEAVES_OR_MOVES}}}",
    "status-right-length": "70",
    "status-left-length": "40",  # cut to ten letters, the team's name would be lost
}
