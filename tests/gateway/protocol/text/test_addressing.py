"""Whom a line is for: every form in, its addresses, text and urgency out; and what addresses become of a directory."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.protocol.errors import BadRequest, GroupChatError, InvalidName, UnknownRecipient
from gateway.protocol.text.addressing import (
    Address,
    AddressedText,
    AnyWithRole,
    Audience,
    Candidate,
    Everyone,
    Named,
    SlashCommand,
    WithRole,
    parse_address,
    parse_line,
    resolve,
)
from gateway.protocol.types.core_types import MAX_ADDRESSES, RESERVED_NAMES, Activity, Pick
from tests.support.examples import examples

CLAUDE, GEMINI = Named("claude"), Named("gemini")

SAID: dict[str, AddressedText] = {
    "hello": AddressedText((), "hello"),
    "@all hello": AddressedText((Everyone(),), "hello"),
    "@claude hello": AddressedText((CLAUDE,), "hello"),
    "@Claude hello": AddressedText((CLAUDE,), "hello"),
    "@claude: hello": AddressedText((CLAUDE,), "hello"),
    "@claude, hello": AddressedText((CLAUDE,), "hello"),
    "  @claude hello": AddressedText((CLAUDE,), "hello"),
    "@claude": AddressedText((CLAUDE,), ""),
    "@claude\nline one\n  line two": AddressedText((CLAUDE,), "line one\n  line two"),
    "@claude @gemini look": AddressedText((CLAUDE, GEMINI), "look"),
    "@claude, @gemini: look": AddressedText((CLAUDE, GEMINI), "look"),
    "@claude,@gemini look": AddressedText((CLAUDE, GEMINI), "look"),
    "@role:coder look": AddressedText((WithRole("coder"),), "look"),
    "@role:coder: look": AddressedText((WithRole("coder"),), "look"),
    "@any:coder look": AddressedText((AnyWithRole("coder", Pick.ROUND_ROBIN),), "look"),
    "@any:coder:round_robin look": AddressedText((AnyWithRole("coder", Pick.ROUND_ROBIN),), "look"),
    "@any:coder:least_busy look": AddressedText((AnyWithRole("coder", Pick.LEAST_BUSY),), "look"),
    "@any:coder:priority look": AddressedText((AnyWithRole("coder", Pick.PRIORITY),), "look"),
    "@any:coder @claude look": AddressedText((AnyWithRole("coder"), CLAUDE), "look"),
    # a name inside prose is not an address
    "ask @claude about it": AddressedText((), "ask @claude about it"),
    "mail bob@claude now": AddressedText((), "mail bob@claude now"),
    "@claude ask @gemini": AddressedText((CLAUDE,), "ask @gemini"),
    "@types/node is broken": AddressedText((), "@types/node is broken"),
    "@claude's idea": AddressedText((), "@claude's idea"),
    "@ home": AddressedText((), "@ home"),
    # urgent
    "!stop": AddressedText((), "stop", urgent=True),
    "!@claude stop": AddressedText((CLAUDE,), "stop", urgent=True),
    "@claude !stop": AddressedText((CLAUDE,), "stop", urgent=True),
    "@all !stop": AddressedText((Everyone(),), "stop", urgent=True),
    "!!stop": AddressedText((), "stop", urgent=True, interrupt=True),
    "!!@claude stop": AddressedText((CLAUDE,), "stop", urgent=True, interrupt=True),
    "@claude !!the other file": AddressedText((CLAUDE,), "the other file", urgent=True, interrupt=True),
    "!!": AddressedText((), "!!"),
    "!! wait": AddressedText((), "!! wait"),
    "!!= b": AddressedText((), "!!= b"),
    "!!!": AddressedText((), "!!!"),
    "!!!wow": AddressedText((), "!!wow", urgent=True),
    "stop!": AddressedText((), "stop!"),
    "!": AddressedText((), "!"),
    "! stop": AddressedText((), "! stop"),
    "!= is not ==": AddressedText((), "!= is not =="),
    "@claude != is not ==": AddressedText((CLAUDE,), "!= is not =="),
    # plain text after a backslash
    "\\/pause": AddressedText((), "/pause"),
    "\\@claude hello": AddressedText((), "@claude hello"),
    "\\!stop": AddressedText((), "!stop"),
    "\\\\": AddressedText((), "\\"),
    "": AddressedText((), ""),
}

COMMANDS: dict[str, SlashCommand] = {
    "/pause": SlashCommand("pause"),
    "/PAUSE claude": SlashCommand("pause", "claude"),
    "/approve claude 1": SlashCommand("approve", "claude 1"),
    "/": SlashCommand(""),
    "/pause @claude": SlashCommand("pause", "@claude"),
}


@pytest.mark.parametrize("line", SAID)
def test_a_line_that_is_said(line: str) -> None:
    assert parse_line(line) == SAID[line]


@pytest.mark.parametrize("line", COMMANDS)
def test_a_command_is_never_a_message(line: str) -> None:
    assert parse_line(line) == COMMANDS[line]


ADDRESSES: dict[str, Address] = {
    "claude": CLAUDE,
    "@claude": CLAUDE,
    " @CLAUDE ": CLAUDE,
    "*": Everyone(),
    "all": Everyone(),
    "@all": Everyone(),
    "@ALL": Everyone(),
    "broadcast": Everyone(),
    "everyone": Everyone(),
    "role:coder": WithRole("coder"),
    "@ROLE:Coder": WithRole("coder"),
    "any:coder": AnyWithRole("coder"),
    "@any:coder:LEAST_BUSY": AnyWithRole("coder", Pick.LEAST_BUSY),
}

NO_ADDRESSES: dict[str, type[GroupChatError]] = {
    "": InvalidName,
    "@": InvalidName,
    "cl aude": InvalidName,
    "claude!": InvalidName,
    "-claude": InvalidName,
    "x" * 65: InvalidName,
    "clàude": InvalidName,
    "team:coder": BadRequest,
    "any:coder:fastest": BadRequest,
    "any:coder:priority:more": BadRequest,
    "role:no role": InvalidName,
    "any::priority": InvalidName,
}


@pytest.mark.parametrize("text", ADDRESSES)
def test_an_address(text: str) -> None:
    assert parse_address(text) == ADDRESSES[text]


@pytest.mark.parametrize("text", NO_ADDRESSES)
def test_what_cannot_be_an_address(text: str) -> None:
    with pytest.raises(NO_ADDRESSES[text]) as caught:
        parse_address(text)
    assert type(caught.value) is NO_ADDRESSES[text]


def test_a_leading_address_that_cannot_exist_is_an_error() -> None:
    with pytest.raises(BadRequest):
        parse_line("@team:coder look")
    with pytest.raises(InvalidName):
        parse_line(f"@{'x' * 65} look")


# resolving

HERE = {
    one.name: one
    for one in (
        Candidate("alice", activity=Activity.IDLE),
        Candidate("bob", role="reviewer"),
        Candidate("claude", role="coder", activity=Activity.BUSY, queued=2, priority=5),
        Candidate("codex", role="coder", activity=Activity.IDLE, queued=0, priority=5),
        Candidate("gemini", role="coder", activity=Activity.BUSY, queued=0, priority=9),
    )
}
CODERS = ("claude", "codex", "gemini")

RESOLVED: list[tuple[str, Audience]] = [
    ("", Audience(True)),
    ("@all", Audience(True)),
    ("@all @claude", Audience(True)),
    ("@claude", Audience(False, ("claude",))),
    ("@claude @bob", Audience(False, ("claude", "bob"))),
    ("@claude @claude", Audience(False, ("claude",))),
    ("@alice", Audience(False, ("alice",))),
    ("@role:coder", Audience(False, CODERS)),
    ("@role:reviewer", Audience(False, ("bob",))),
    ("@role:coder @claude @bob", Audience(False, (*CODERS, "bob"))),
    ("@any:reviewer", Audience(False, ("bob",), (("reviewer", "bob"),))),
    ("@any:coder:least_busy", Audience(False, ("codex",), (("coder", "codex"),))),
    ("@any:coder:priority", Audience(False, ("gemini",), (("coder", "gemini"),))),
    ("@any:coder @bob", Audience(False, ("claude", "bob"), (("coder", "claude"),))),
]


def addresses(text: str) -> tuple[Address, ...]:
    return tuple(parse_address(one) for one in text.split())


@pytest.mark.parametrize(("text", "audience"), RESOLVED)
def test_addresses_become_names(text: str, audience: Audience) -> None:
    assert resolve(addresses(text), HERE, "alice") == audience


UNKNOWN: list[tuple[str, tuple[str, ...]]] = [
    ("@cluade", ("@claude",)),
    ("@claudee", ("@claude",)),
    ("@geminy", ("@gemini",)),
    ("@zzz", ()),
    ("@claude @nobdy", ()),
    ("@all @cluade", ("@claude",)),
    ("@role:codr", ("@role:coder",)),
    ("@any:reviwer", ("@role:reviewer",)),
    ("@role:zzz", ()),
]


@pytest.mark.parametrize(("text", "nearest"), UNKNOWN)
def test_an_address_nobody_answers_to_is_an_error_with_the_nearest(text: str, nearest: tuple[str, ...]) -> None:
    with pytest.raises(UnknownRecipient) as caught:
        resolve(addresses(text), HERE, "alice")
    assert caught.value.nearest[: len(nearest)] == nearest
    assert all(name in caught.value.message for name in nearest)


def test_a_role_never_means_its_sender() -> None:
    assert resolve(addresses("@role:coder"), HERE, "codex").names == ("claude", "gemini")
    with pytest.raises(UnknownRecipient):
        resolve(addresses("@any:reviewer"), HERE, "bob")


def test_round_robin_goes_round() -> None:
    turns, last = [], dict[str, str]()
    for _ in range(4):
        (name,) = resolve(addresses("@any:coder"), HERE, "alice", last).names
        turns.append(name)
        last["coder"] = name
    assert turns == ["claude", "codex", "gemini", "claude"]


@pytest.mark.parametrize(("last", "following"), [("aaa", "claude"), ("cob", "codex"), ("zzz", "claude")])
def test_round_robin_goes_on_after_one_who_has_left(last: str, following: str) -> None:
    assert resolve(addresses("@any:coder"), HERE, "alice", {"coder": last}).names == (following,)


def test_least_busy_prefers_the_idle_one_of_equal_queues() -> None:
    equal = {
        name: Candidate(name, "coder", activity) for name, activity in (("a", Activity.BUSY), ("b", Activity.IDLE))
    }
    assert resolve((AnyWithRole("coder", Pick.LEAST_BUSY),), equal, "alice").names == ("b",)


def test_too_many_addresses_are_refused() -> None:
    many = tuple(Named(f"n{number}") for number in range(MAX_ADDRESSES + 1))
    with pytest.raises(BadRequest, match=str(MAX_ADDRESSES)):
        resolve(many, HERE, "alice")


def test_of_a_line_no_more_addresses_are_read_than_are_accepted() -> None:
    """A line of four megabytes takes no longer than a short one."""
    with pytest.raises(BadRequest, match=str(MAX_ADDRESSES)):
        parse_line("@m " * 1_300_000 + "hello")
    assert parse_line("  " + "@m " * MAX_ADDRESSES + "hello") == AddressedText((Named("m"),) * MAX_ADDRESSES, "hello")


# properties

names = st.from_regex(r"[a-z0-9_](?:[a-z0-9_.-]{0,62}[a-z0-9_])?", fullmatch=True)
member_names = names.filter(lambda name: name not in RESERVED_NAMES)
each_address = st.one_of(
    st.just(Everyone()),
    st.builds(Named, member_names),
    st.builds(WithRole, names),
    st.builds(AnyWithRole, names, st.sampled_from(Pick)),
)
thorough = settings(max_examples=examples(400), deadline=None, derandomize=True)


@thorough
@given(each_address)
def test_an_address_written_down_is_read_as_the_same(address: Address) -> None:
    assert parse_address(str(address)) == address


@thorough
@given(st.lists(each_address, min_size=1, max_size=5), st.booleans(), st.text())
def test_a_line_written_down_is_read_as_the_same(to: list[Address], urgent: bool, text: str) -> None:
    text = "." + text  # what begins like an address or a bang would be one
    line = ("!" if urgent else "") + " ".join(map(str, to)) + " " + text
    assert parse_line(line) == AddressedText(tuple(to), text, urgent)


@thorough
@given(st.text())
def test_after_a_backslash_nothing_has_a_meaning(text: str) -> None:
    assert parse_line("\\" + text) == AddressedText((), text)


@thorough
@given(st.text(alphabet="@!/\\:,.-_ \nabzAZ019éß*#") | st.text())
def test_no_text_raises_anything_but_an_error_of_ours(text: str) -> None:
    for parse in (parse_line, parse_address):
        try:
            parsed = parse(text)
        except GroupChatError:
            continue
        if isinstance(parsed, AddressedText) and not parsed.to and not parsed.urgent and not text.startswith("\\"):
            assert parsed.text == text, "text without an address keeps every character"
