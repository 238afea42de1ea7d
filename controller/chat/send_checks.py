"""Checks a message before it is sent. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.protocol.events import MemberView
from gateway.protocol.text.addressing import AddressedText, Candidate, Everyone, resolve
from gateway.protocol.types import Activity, MemberKind, Presence


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
    away = [name for name in audience.names if (one := members.get(name)) is not None and _will_not_get_it_now(one)]
    if not away:
        return ""
    verb = "is" if len(away) == 1 else "are"
    return f"{' and '.join(away)} {verb} not here and will get this on return. Enter again sends it."


def _nobody_here_text(members: Mapping[str, MemberView]) -> str:
    agents = [one for one in members.values() if one.kind is MemberKind.AGENT]
    if agents and all(_will_not_get_it_now(one) for one in agents):
        return "None of the agents is here. Who is named (@ada) gets it on return. Enter again sends it."
    return ""


def _will_not_get_it_now(member: MemberView) -> bool:
    """Whether the member will not get it now. An agent whose terminal is still starting is registered, and gets it."""
    away = member.presence is not Presence.ONLINE and member.activity is not Activity.STARTING
    return away or member.activity is Activity.GONE
