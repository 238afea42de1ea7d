"""What the line above the input says of a draft that is sealed: who can read it, and why it would be refused. Pure."""

from __future__ import annotations

import re

from controller.view.state.chat_state import ChatState
from controller.view.text.row_types import Fragment
from controller.wording.key_text import KeyTrust, sealing_refusal_text
from controller.wording.proof_text import SEALED_SIGN, finding_of

SEAL_COMMAND = re.compile(r"/seal\s+(@.*)", re.IGNORECASE | re.DOTALL)
SEAL_HELP = f"/seal @NAME TEXT: {SEALED_SIGN} only the machines of those named can read it, not the gateway"
NO_KEY = "there is no open key of yours on this machine, so this would be refused"


def is_sealed_draft(state: ChatState, names: tuple[str, ...]) -> bool:
    """Whether the next message is sealed: in a sealed room, or as the answer to a sealed direct message."""
    answers = state.target is not None and bool(names) and finding_of(state.target.message).was_sealed
    return state.is_sealed(state.room) or answers


def hint_of_sealed(names: tuple[str, ...], state: ChatState) -> Fragment | None:
    """Of a draft to these members, or to everyone in the room."""
    if not state.can_seal:
        return "class:warning", f"{SEALED_SIGN} sealed: {NO_KEY}"
    others = tuple(name for name in names if name != state.me)
    if names:
        refused = sealing_refusal_text(state.keys, others)
        if refused:
            return "class:warning", f"{SEALED_SIGN} {refused}"
        return "class:dim", f"{SEALED_SIGN} sealed: only {_joined(('you', *others))} can read this"
    left_out = _left_out(state)
    return ("class:warning", f"{SEALED_SIGN} {left_out}") if left_out else None


def _left_out(state: ChatState) -> str:
    """Members of a sealed room who cannot read what is said in it."""
    room = state.rooms.get(state.room)
    names = [one for one in (room.members if room else ()) if one != state.me and not _has_usable_key(state, one)]
    if not names:
        return ""
    return f"{_joined(tuple(names))} cannot read this: no usable key; /keys tells why"


def _has_usable_key(state: ChatState, name: str) -> bool:
    return name in state.keys and state.keys[name].trust not in (KeyTrust.CHANGED, KeyTrust.REVOKED)


def _joined(names: tuple[str, ...]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else "".join(names)
