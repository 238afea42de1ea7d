"""Checks a message before it is sent. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from controller.view.panels.composer_hint import is_away
from gateway.protocol.events import MemberView
from gateway.protocol.text.addressing import AddressedText, Candidate, Everyone, resolve
from gateway.protocol.types.core_types import MemberKind


def check_recipients(said: AddressedText, members: Mapping[str, MemberView], me: str) -> None:
    """Raise an error with similar names before the gateway would refuse the message."""
    directory = {one.name: Candidate(one.name, one.role) for one in members.values()}
    resolve(said.to, directory, me)


def absent_recipients_warning(said: AddressedText, members: Mapping[str, MemberView], me: str) -> str:
    """A warning if a recipient will not get the message now; empty otherwise."""
    directory = {one.name: Candidate(one.name, one.role) for one in members.values()}
    audience = resolve(said.to, directory, me)
    if audience.everyone:
        return _nobody_here_text(members) if any(isinstance(one, Everyone) for one in said.to) else ""
    away = [name for name in audience.names if (one := members.get(name)) is not None and is_away(one)]
    if not away:
        return ""
    verb = "is" if len(away) == 1 else "are"
    return f"{' and '.join(away)} {verb} not here and will get this on return. Enter again sends it."


def _nobody_here_text(members: Mapping[str, MemberView]) -> str:
    agents = [one for one in members.values() if one.kind is MemberKind.AGENT]
    if agents and all(is_away(one) for one in agents):
        return "No agent is here. An agent that you name (@ada) gets it on return. Enter again sends it."
    return ""
