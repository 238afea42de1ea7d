"""Before a message goes out: names that nobody has, and those who are not here."""

from __future__ import annotations

import pytest

from controller.chat.session.send_checks import absent_recipients_warning, check_recipients
from gateway.protocol.errors import UnknownRecipient
from gateway.protocol.events import MemberView
from gateway.protocol.text.addressing import AddressedText, parse_line
from gateway.protocol.types.core_types import Activity, MemberKind, Presence


def agent(name: str, presence: Presence = Presence.ONLINE, activity: Activity = Activity.IDLE) -> MemberView:
    return MemberView(name, MemberKind.AGENT, "coder" if name == "claude" else None, presence, activity)


HERE = {one.name: one for one in (agent("claude"), agent("codex", Presence.OFFLINE), agent("ada", Presence.AWAY))}
GONE = {one.name: one for one in (agent("claude", Presence.OFFLINE), agent("codex", activity=Activity.GONE))}


def said(text: str) -> AddressedText:
    line = parse_line(text)
    assert isinstance(line, AddressedText)
    return line


@pytest.mark.parametrize(
    ("text", "members", "words"),
    [
        ("@claude hi", HERE, ""),
        ("@ada hi", HERE, "ada is not here"),
        ("@codex hi", HERE, "codex is not here"),
        ("@new hi", {"new": agent("new", Presence.AWAY, Activity.STARTING)}, ""),
        ("@claude @codex hi", HERE, "codex is not here"),
        ("@claude @codex hi", GONE, "claude and codex are not here"),
        ("@role:coder hi", HERE, ""),
        ("@all hi", HERE, ""),
        ("@all hi", GONE, "No agent is here"),
        ("hi", GONE, ""),
        ("@all hi", {}, ""),
    ],
)
def test_who_is_absent(text: str, members: dict[str, MemberView], words: str) -> None:
    found = absent_recipients_warning(said(text), members, "alice")
    assert words in found if words else found == ""


def test_a_name_that_nobody_has() -> None:
    with pytest.raises(UnknownRecipient) as caught:
        check_recipients(said("@cluade hi"), HERE, "alice")
    assert "Did you mean @claude" in caught.value.message


def test_a_role_that_nobody_has() -> None:
    with pytest.raises(UnknownRecipient):
        check_recipients(said("@role:poet hi"), HERE, "alice")
