"""One table for parser, help and completion."""

from __future__ import annotations

import pytest

from controller.chat_commands.command_table import (
    ALIASES,
    COMMANDS,
    ArgumentKind,
    CompletionNames,
    KeyPress,
    ParsedCommand,
    StopRequest,
    complete,
    help_lines,
    may_complete,
    parse_input,
    reason_from_words,
)
from gateway.protocol.errors import BadRequest, UnknownCommand
from gateway.protocol.text.addressing import AddressedText

OF_THE_ISSUE = [
    *("pause", "resume", "agents", "rooms", "join", "who", "history", "search", "receipts", "cancel", "retry"),
    "recall",
    *("asks", "approve", "deny", "terminal", "explain", "share", "role", "restart", "continue", "export", "quote"),
    *("propose", "vote", "decisions", "decide", "session", "invite", "kick"),
    *("room", "create", "topic", "mute", "unmute", "to"),
    *("mode", "status", "next", "extend", "end", "help", "quit", "stop"),
    *("reply", "thread", "react", "pin", "unpin", "pins", "copy", "mentions"),
    *("large", "why"),
    *("seal", "keys", "trust", "admit"),
]


def test_every_command_of_the_product_is_there() -> None:
    assert sorted(COMMANDS) == sorted(OF_THE_ISSUE)


@pytest.mark.parametrize(
    ("text", "word", "values"),
    [
        ("/pause", "pause", {}),
        ("/pause @Claude", "pause", {"name": "claude"}),
        ("/join #Design", "join", {"room": "design"}),
        ("/room 2", "room", {"number or name": "2"}),
        ("/create Lab mice and men", "create", {"room": "lab", "topic": "mice and men"}),
        ("/invite @Ada ben", "invite", {"name": "ada", "more names": "ben"}),
        ("/mute", "mute", {}),
        ("/to @Ada look here", "to", {"name": "ada", "text": "look here"}),
        ("/receipts #812", "receipts", {"number": "812"}),
        ("/cancel 812 claude", "cancel", {"number": "812", "name": "claude"}),
        ("/search disk  full", "search", {"words": "disk  full"}),
        ("/share claude none", "share", {"name": "claude", "policy": "none"}),
        ("/approve claude 2", "approve", {"name": "claude", "option": "2"}),
        ("/deny claude", "deny", {"name": "claude"}),
        (
            "/deny claude because it is Friday",
            "deny",
            {"name": "claude", "because words": "because it is Friday"},
        ),
        ("/help /pause", "help", {"command": "pause"}),
        ("/continue", "continue", {}),
        ("/continue #Lab", "continue", {"agent or room": "#Lab"}),
        ("/exit", "quit", {}),
        ("/LIST", "agents", {}),
        ("/mode debate tabs or spaces", "mode", {"mode": "debate", "topic": "tabs or spaces"}),
        ("/mode", "mode", {}),
        (
            '/mode debate "t" --rounds 3 --agents a,b',
            "mode",
            {"mode": "debate", "topic": '"t" --rounds 3 --agents a,b'},
        ),
        ("/extend 5m", "extend", {"time": "5m"}),
    ],
)
def test_orders(text: str, word: str, values: dict[str, str]) -> None:
    order = parse_input(text)
    assert isinstance(order, ParsedCommand)
    assert (order.command.word, dict(order.values)) == (word, values)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("/puase", "Try /pause"),
        ("/xyzzy", "Try /help"),
        ("/join", "/join ROOM: which room?"),
        ("/receipts claude", "not a message's number"),
        ("/share claude some", "one of all, replies, none"),
        ("/pause claude now", "'now' is too much"),
    ],
)
def test_what_cannot_be_understood(text: str, words: str) -> None:
    with pytest.raises((BadRequest, UnknownCommand)) as caught:
        parse_input(text)
    assert words in caught.value.message


@pytest.mark.parametrize(
    ("text", "press"),
    [
        ("!^C", KeyPress("^C", ())),
        ("!^c", KeyPress("^C", ())),
        ("@claude !^C", KeyPress("^C", ("@claude",))),
        ("!@claude ^C", KeyPress("^C", ("@claude",))),
        ("!esc", KeyPress("esc", ())),
        ("!stop", StopRequest()),
        ("!!stop", StopRequest()),
        ("@all !Stop", StopRequest()),
        ("@claude @gemini !stop", StopRequest(("claude", "gemini"))),
        ("!@claude stop", StopRequest(("claude",))),
    ],
)
def test_keys(text: str, press: KeyPress | StopRequest) -> None:
    assert parse_input(text) == press


@pytest.mark.parametrize(
    "text", ["hello", "@all hi", "!stop now", "stop", "\\!stop", "^C", "!^C now", "\\/pause", "a /pause"]
)
def test_what_is_said(text: str) -> None:
    assert isinstance(parse_input(text), AddressedText)


def test_help_tells_of_every_command() -> None:
    assert all(help_lines(word) == [(command.usage, command.help)] for word, command in COMMANDS.items())
    assert help_lines("pause")[0][0] == "/pause [NAME]"
    with pytest.raises(UnknownCommand):
        help_lines("nothing")


def test_other_words_are_commands_too() -> None:
    assert set(ALIASES.values()) <= set(COMMANDS)


MEMBERS = {"claude": "idle", "codex": "busy", "alice": ""}
SAID = {901: "bob: which disk?", 812: "alice: hello"}
KNOWN = CompletionNames(MEMBERS, ("general", "design"), ("coder",), (7, 812), {"d-12": "Which?"}, SAID)


@pytest.mark.parametrize(
    ("before", "found"),
    [
        ("/pa", ["/pause"]),
        ("/re", ["/resume", "/recall", "/receipts", "/reply", "/react", "/retry", "/restart"]),
        ("/reply ", ["901", "812"]),
        ("/reply 9", ["901"]),
        ("/copy 8", ["812"]),
        ("/pause c", ["claude", "codex"]),
        ("/pause @cl", ["claude"]),
        ("/join ", ["general", "design"]),
        ("/receipts ", ["812", "7"]),
        ("/share claude ", ["all", "replies", "none"]),
        ("/share claude none ", []),
        ("/help s", ["seal", "stop", "search", "session", "share", "status"]),
        ("/unknown x", []),
        ("/mode de", ["debate"]),
        ("/mode debate --r", ["--rounds", "--replace"]),
        ("/mode debate tabs --agents cl", ["claude"]),
        ("/mode debate tabs --agents claude,", ["codex", "alice"]),
        ("@c", ["@claude", "@codex"]),
        ("@claude @co", ["@codex"]),
        ("!@cl", ["@claude"]),
        ("ask @cl", ["@claude"]),
        ("@a", ["@alice", "@all"]),
        ("@role:", ["@role:coder"]),
        ("mail me@cl", []),
        ("hello", []),
        ("@claude", []),
    ],
)
def test_completion(before: str, found: list[str]) -> None:
    assert [one.text for one in complete(before, KNOWN)] == found
    assert may_complete(before) or not found


@pytest.mark.parametrize("before", ["", "hello", "mail me@example", "two\n/lines"])
def test_plain_words_are_not_looked_up(before: str) -> None:
    assert not may_complete(before)


def test_completion_replaces_the_word_under_the_cursor() -> None:
    assert complete("/pause @cl", KNOWN)[0].start == -3
    assert complete("say @cl", KNOWN)[0].start == -3


def test_every_kind_of_argument_can_be_completed_or_is_free() -> None:
    free = {ArgumentKind.WORD, ArgumentKind.TEXT}
    for command in COMMANDS.values():
        for number, argument in enumerate(command.arguments):
            before = f"/{command.word} " + "x " * number
            assert argument.kind in free or complete(before, KNOWN), (command.word, argument)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("because it is Friday", "it is Friday"),
        ("BECAUSE it is", "it is"),
        ("it is, because", "it is, because"),
        ("because", ""),
        ("", ""),
        ("becauseof", "becauseof"),
    ],
)
def test_the_words_of_a_refusal(given: str, words: str) -> None:
    assert reason_from_words(given) == words
