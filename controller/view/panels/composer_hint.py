"""What the line above the input says of the text in it: who will read it, and whether anybody does. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

from controller.chat_commands.mode_commands import split_names
from controller.view.panels.sealing_hint import SEAL_COMMAND, SEAL_HELP, hint_of_sealed, is_sealed_draft
from controller.view.state.chat_state import ChatState
from controller.view.state.draft_target import aimed
from controller.view.styles.symbols import LOCK
from controller.view.text.row_types import Fragment
from controller.wording.member_state_text import holding_condition
from gateway.protocol.errors import GroupChatError
from gateway.protocol.events import MemberView
from gateway.protocol.text.addressing import AddressedText, Candidate, Everyone, parse_line, resolve
from gateway.protocol.types.agent_conditions import ConditionKind
from gateway.protocol.types.core_types import Activity, MemberKind, Presence

MAX_PARSED_CHARS = 2000
DIRECT_HELP = f"{LOCK} @name: only those named and observers read it · /to NAME: everyone reads it, only NAME is woken"
PUBLIC_HELP = "/to NAME TEXT: everyone here reads it, only NAME is woken · @name is direct"
_HELP_BY_COMMAND = {"/to": PUBLIC_HELP, "/seal": SEAL_HELP}
_NAME_BEGUN = re.compile(r"!{0,2}@\S*")
_TO_COMMAND = re.compile(r"/to\s+(\S+)\s", re.IGNORECASE)


def composer_hint(text: str, state: ChatState) -> Fragment | None:
    """The style and the words. Nothing is said of an ordinary message that others will read."""
    if not text.strip():
        return None
    if text.startswith("/"):
        return _hint_of_command(text, state)
    try:
        line = parse_line(text[:MAX_PARSED_CHARS])
        assert isinstance(line, AddressedText)
        line = aimed(line, state.target, state.me)
        names = _named(line, state)
    except GroupChatError:
        return ("class:dim", DIRECT_HELP) if _NAME_BEGUN.fullmatch(text) else None
    if is_sealed_draft(state, names):
        return hint_of_sealed(names, state)
    if names:
        return _hint_of_direct(names, state)
    return ("class:dim", DIRECT_HELP) if _NAME_BEGUN.fullmatch(text) and not line.to else _hint_of_public(state)


def _named(line: AddressedText, state: ChatState) -> tuple[str, ...]:
    """The members whom the line names; none if it is for everyone."""
    if any(isinstance(one, Everyone) for one in line.to):
        return ()
    directory = {one.name: Candidate(one.name, one.role) for one in state.members.values()}
    return resolve(line.to, directory, state.me).names


def _hint_of_command(text: str, state: ChatState) -> Fragment | None:
    if text.lower().rstrip() in _HELP_BY_COMMAND:
        return "class:dim", _HELP_BY_COMMAND[text.lower().rstrip()]
    if sealed := SEAL_COMMAND.match(text):
        return _hint_of_seal(sealed[1], state)
    match = _TO_COMMAND.match(text)
    names = split_names(match[1].lower()) if match else ()
    if not names or not all(name in state.members for name in names):
        return None
    return _hint_of_absent(names, state) or (
        "class:dim",
        f"everyone in #{state.room} reads this, only {_list_of(names)} {_are(names)} woken",
    )


def _hint_of_seal(said: str, state: ChatState) -> Fragment | None:
    try:
        line = parse_line(said[:MAX_PARSED_CHARS])
        assert isinstance(line, AddressedText)
        names = _named(line, state)
    except GroupChatError:
        return "class:dim", SEAL_HELP
    return hint_of_sealed(names, state) if names else ("class:dim", SEAL_HELP)


def _hint_of_direct(names: tuple[str, ...], state: ChatState) -> Fragment:
    names = tuple(name for name in names if name != state.me)
    if not names:
        return "class:dim", f"{LOCK} only {_readers((), state)} read this"
    return _hint_of_absent(names, state) or (
        "class:dim",
        f"{LOCK} only {_readers(names, state)} read this · public: /to{_away_text(names, state)}",
    )


def _readers(names: tuple[str, ...], state: ChatState) -> str:
    """Who reads a direct message. Nobody is told which members are observers; the owner of the team is one."""
    silent = ("observers",) if state.observer else ("the owner", "observers")
    return _joined(("you", *_shortened(names), *silent))


def _hint_of_absent(names: tuple[str, ...], state: ChatState) -> Fragment | None:
    """Those who are not in this room get nothing that is said in it."""
    here = {one.name for one in (*state.agents_here(), *state.others_here())}
    outside = tuple(name for name in names if name not in here)
    if not outside:
        return None
    return (
        "class:warning",
        f"{_list_of(outside)} {_are(outside)} not in #{state.room}; /invite {' '.join(outside)} brings "
        f"{'it' if len(outside) == 1 else 'them'} in",
    )


def _away_text(names: Iterable[str], state: ChatState) -> str:
    """Who will not read it now: those who are away, and those whose vendor gives them no answers."""
    mine = tuple(state.members[name] for name in names)
    away = tuple(one.name for one in mine if is_away(one))
    held = {one.name: holding_condition(one) for one in mine if not is_away(one)}
    limited = tuple(name for name, kind in held.items() if kind is ConditionKind.LIMITED)
    logged_out = tuple(name for name, kind in held.items() if kind is ConditionKind.LOGIN)
    parts = ((away, "away"), (limited, "limited"), (logged_out, "logged out"))
    return "".join(f" · {_list_of(found)} {_are(found)} {word}" for found, word in parts if found)


def _hint_of_public(state: ChatState) -> Fragment | None:
    """A text that nobody reads now."""
    others = [one for one in (*state.agents_here(), *state.others_here()) if _can_read(one, state.me)]
    if not others:
        known = any(_can_read(one, state.me) for one in state.members.values())
        remedy = "; /invite NAME brings an agent in" if known else ""
        return "class:warning", f"Nobody else is in #{state.room}{remedy}"
    if all(is_away(one) for one in others):
        names = tuple(one.name for one in others)
        return "class:warning", f"Nobody in #{state.room} is here now: {_list_of(names)} {_are(names)} away"
    return None


def _can_read(member: MemberView, me: str) -> bool:
    return member.name != me and member.kind is not MemberKind.SYSTEM


def is_away(member: MemberView) -> bool:
    """Whether the member will not get it now. An agent whose terminal is still starting is registered, and gets it."""
    away = member.presence is not Presence.ONLINE and member.activity is not Activity.STARTING
    return away or member.activity is Activity.GONE


def _list_of(names: tuple[str, ...]) -> str:
    return _joined(_shortened(names))


def _shortened(names: tuple[str, ...]) -> tuple[str, ...]:
    return (*names[:3], f"{len(names) - 3} others") if len(names) > 4 else names


def _joined(names: tuple[str, ...]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else "".join(names)


def _are(names: tuple[str, ...]) -> str:
    return "is" if len(names) == 1 else "are"
