"""What can be typed on the chat's line: one table for parser, help and completion. Pure."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum

from controller.commands import mode_text
from gateway.protocol.errors import BadRequest, UnknownCommand
from gateway.protocol.text.addressing import Command as Line
from gateway.protocol.text.addressing import Said, parse_line
from gateway.protocol.types import SHARE_POLICIES, bare_name


class Kind(Enum):
    """What an argument is, and so how it is checked and completed."""

    MEMBER = "member"
    ROOM = "room"
    MESSAGE = "message"
    POLICY = "policy"
    MODE = "mode"
    DECISION = "decision"
    SESSION = "session"
    WORD = "word"
    TEXT = "text"
    OPTIONS = "options"
    COMMAND = "command"


NO_ROLE = "none"
SESSIONS = ("open", "close", "pause", "resume", "show", "list")
MODES = (
    *("debate", "consensus", "salomo", "review", "pipeline", "round-robin", "autopilot"),
    "freeform",
)


@dataclass(frozen=True)
class Argument:
    name: str
    kind: Kind
    wanted: bool = True

    def __str__(self) -> str:
        return self.name.upper() if self.wanted else f"[{self.name.upper()}]"


@dataclass(frozen=True)
class Command:
    word: str
    help: str
    arguments: tuple[Argument, ...] = ()

    @property
    def usage(self) -> str:
        return " ".join([f"/{self.word}", *map(str, self.arguments)])


MEMBER = Argument("name", Kind.MEMBER)
ANY_MEMBER = Argument("name", Kind.MEMBER, wanted=False)
MESSAGE = Argument("number", Kind.MESSAGE)
ROOM = Argument("room", Kind.ROOM)


COMMANDS = {
    one.word: one
    for one in (
        Command("agents", "who is here, what they do, how much waits for whom"),
        Command("who", "the members of this room, with their roles"),
        Command("rooms", "the rooms"),
        Command("join", "enter a room and show it", (ROOM,)),
        Command("invite", "let a member into this room", (MEMBER,)),
        Command("kick", "put a member out of this room, until it is invited again", (MEMBER,)),
        Command("pause", "hold what is queued, for one or for all agents", (ANY_MEMBER,)),
        Command("resume", "let it flow again", (ANY_MEMBER,)),
        Command("stop", "end what an agent works on, at once; without a name what all busy ones do", (ANY_MEMBER,)),
        Command("history", "go to a message, or to the beginning", (Argument("number", Kind.MESSAGE, wanted=False),)),
        Command("search", "find messages by their words", (Argument("words", Kind.TEXT),)),
        Command("receipts", "what became of a message, step by step", (MESSAGE,)),
        Command(
            "quote",
            "say something with lines of a file: src/app.py:42-58 @name text",
            (Argument("lines", Kind.WORD), Argument("message", Kind.TEXT, wanted=False)),
        ),
        Command("cancel", "take back a message that nobody has begun to type", (MESSAGE, ANY_MEMBER)),
        Command("retry", "deliver once more what failed", (MESSAGE, MEMBER)),
        Command("asks", "the questions of agents that wait for an answer"),
        Command("approve", "answer an agent's question", (MEMBER, Argument("option", Kind.WORD, wanted=False))),
        Command(
            "deny",
            "refuse what an agent asks; `because ...` tells the model why",
            (MEMBER, Argument("because words", Kind.TEXT, wanted=False)),
        ),
        Command("terminal", "show an agent's own terminal, as large as the window", (MEMBER,)),
        Command(
            "propose",
            "let the room vote: question | option | option; @name text proposes to one",
            (Argument("question", Kind.TEXT),),
        ),
        Command(
            "vote",
            "answer: an option, accept or reject; `because ...` gives a reason",
            (Argument("decision", Kind.DECISION), Argument("answer", Kind.TEXT)),
        ),
        Command(
            "decisions",
            "what is to be decided, and who has said what",
            (Argument("decision", Kind.DECISION, wanted=False),),
        ),
        Command("decide", "end a decision of yours with what was voted", (Argument("decision", Kind.DECISION),)),
        Command(
            "session",
            "a named piece of work: open NAME goal, close NAME words, pause, resume, show, list",
            (Argument("action", Kind.SESSION, wanted=False), Argument("name and words", Kind.TEXT, wanted=False)),
        ),
        Command("explain", "what is seen of an agent, and why nothing is typed", (MEMBER,)),
        Command("share", "what of an agent's output the room sees", (MEMBER, Argument("policy", Kind.POLICY))),
        Command(
            "role",
            "give an agent a role until it is started anew; none takes it away",
            (MEMBER, Argument("role", Kind.WORD)),
        ),
        Command("restart", "end an agent's pane and start it anew; `gateway` too", (MEMBER,)),
        Command(
            "continue",
            "lift a tripped loop guard, everywhere, for one agent or in one #room, and wake who slept",
            (Argument("agent or room", Kind.WORD, wanted=False),),
        ),
        Command("export", "write the room to a file, as JSON lines", (Argument("file", Kind.TEXT),)),
        Command(
            "mode",
            "who speaks when: begin a debate, a vote, a review; without a word which modes there are",
            (Argument("mode", Kind.MODE, wanted=False), Argument("topic", Kind.OPTIONS, wanted=False)),
        ),
        Command("status", "which mode runs, who has the turn, how the gateway is doing"),
        Command("next", "pass the turn on"),
        Command("extend", "give the speaker more time: seconds, or 5m", (Argument("time", Kind.WORD, wanted=False),)),
        Command("end", "end the mode"),
        Command("help", "this list, or more on one command", (Argument("command", Kind.COMMAND, wanted=False),)),
        Command("quit", "leave the chat; agents and gateway go on"),
    )
}

ALSO = {"exit": "quit", "list": "agents", "q": "quit", "h": "help"}

WAYS_TO_SPEAK = (
    ("text", "to everyone in the room"),
    ("@name text", "to one; @a @b text to several"),
    ("@all text", "to everyone"),
    ("!text", "at once: does not wait until the agent is idle"),
    ("!!text", "ends what the agent works on, then says it"),
    ("!stop", "ends what the agents work on, as /stop does; @name !stop that of one"),
    ("!^C", "press a key in the agents' terminals; @name !^C in one, !esc too"),
    ("\\text", "text as it is, also when it begins with / or @"),
)


@dataclass(frozen=True)
class Order:
    """A command with its arguments, checked for their form."""

    command: Command
    values: Mapping[str, str]

    def get(self, name: str) -> str | None:
        return self.values.get(name)


@dataclass(frozen=True)
class Press:
    """A key to press in the terminals of those named; of all agents if nobody is."""

    keys: str
    to: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        return _named(self.to)


@dataclass(frozen=True)
class Halt:
    """What is worked on ends: that of those named, or of all who are busy if nobody is."""

    to: tuple[str, ...] = ()


_KEY = re.compile(r"\^[A-Za-z\[\]\\_]|esc(?:ape)?", re.IGNORECASE)
_STOP = "stop"


def parse(text: str) -> Order | Press | Halt | Said:
    line = parse_line(text)
    if isinstance(line, Line):
        return parse_order(line.word, line.rest)
    return pressed(line) or line


def pressed(line: Line | Said) -> Press | Halt | None:
    """A message that is nothing but an urgent key, or nothing but an urgent `stop`."""
    if not isinstance(line, Said) or not line.urgent:
        return None
    key, to = line.text.strip(), tuple(str(one) for one in line.to)
    if key.lower() == _STOP:
        return Halt(_named(to))
    if not _KEY.fullmatch(key):
        return None
    return Press("esc" if key[0] != "^" else key.upper(), to)


def _named(to: tuple[str, ...]) -> tuple[str, ...]:
    """Who is meant by name; nobody where all are."""
    return tuple(name for one in to if (name := one.removeprefix("@")) != "all")


def parse_order(word: str, rest: str) -> Order:
    command = COMMANDS.get(ALSO.get(word, word))
    if command is None:
        near = difflib.get_close_matches(word, COMMANDS, n=2, cutoff=0.5)
        hint = " or ".join(f"/{one}" for one in near) or "/help"
        raise UnknownCommand(f"There is no /{word[:40]}. Try {hint}; \\/{word[:40]} says it as text.")
    values: dict[str, str] = {}
    for argument in command.arguments:
        text, rest = (rest, "") if argument.kind in (Kind.TEXT, Kind.OPTIONS) else _first(rest)
        if text:
            values[argument.name] = _checked(command, argument, text)
        elif argument.wanted:
            raise BadRequest(f"{command.usage}: which {argument.name}?")
    if rest.strip():
        raise BadRequest(f"{command.usage} takes no more than that; {rest.strip()[:40]!r} is left over.")
    return Order(command, values)


def _first(rest: str) -> tuple[str, str]:
    word, _, tail = rest.strip().partition(" ")
    return word, tail.strip()


def _checked(command: Command, argument: Argument, text: str) -> str:
    match argument.kind:
        case Kind.MEMBER:
            return bare_name(text)
        case Kind.ROOM:
            return text.removeprefix("#").lower()
        case Kind.MESSAGE:
            number = text.removeprefix("#")
            if not number.isdecimal():
                raise BadRequest(f"{command.usage}: {text[:40]!r} is not a message's number, such as 812.")
            return number
        case Kind.POLICY if text.lower() not in SHARE_POLICIES:
            raise BadRequest(f"{command.usage}: choose {', '.join(SHARE_POLICIES)}.")
        case Kind.SESSION if text.lower() not in SESSIONS:
            raise BadRequest(f"{command.usage}: choose {', '.join(SESSIONS)}.")
        case Kind.COMMAND | Kind.SESSION:
            return text.removeprefix("/").lower()
    return text


def role_of(word: str) -> str:
    """As a gateway wants it: none is the empty one."""
    return "" if word.lower() == NO_ROLE else word.lower()


def because(words: str) -> str:
    """The words of a refusal; `because` only leads to them."""
    first, _, rest = words.strip().partition(" ")
    return rest.strip() if first.lower() == "because" else words.strip()


# help


def help_lines(word: str | None = None) -> list[tuple[str, str]]:
    """What to type, and what it does."""
    if word is not None:
        command = COMMANDS.get(ALSO.get(word, word))
        if command is None:
            raise UnknownCommand(f"There is no /{word[:40]}; /help lists all commands.")
        return [(command.usage, command.help)]
    return [*WAYS_TO_SPEAK, *((one.usage, one.help) for one in COMMANDS.values())]


# completion


@dataclass(frozen=True)
class Choice:
    """What could stand there; `start` counts back from the cursor."""

    text: str
    start: int
    about: str = ""


@dataclass(frozen=True)
class Known:
    """What completion may offer: names with a word about each, rooms, roles, numbers of one's own messages,
    open decisions with their question."""

    members: Mapping[str, str]
    rooms: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    numbers: tuple[int, ...] = ()
    decisions: Mapping[str, str] = field(default_factory=dict)


def may_complete(before: str) -> bool:
    """Whether there can be anything to offer: most of what is written is neither a command nor a name."""
    return _is_command(before) or _AT.search(before) is not None


def _is_command(before: str) -> bool:
    return before.startswith("/") and "\n" not in before


def complete(before: str, known: Known) -> list[Choice]:
    """For the text before the cursor."""
    if _is_command(before):
        word, space, rest = before[1:].partition(" ")
        if not space:
            return [
                Choice(f"/{one.word}", -len(before), one.help)
                for one in COMMANDS.values()
                if one.word.startswith(word.lower())
            ]
        command = COMMANDS.get(ALSO.get(word.lower(), word.lower()))
        return list(_arguments(command, rest, known)) if command else []
    return list(_names(before, known))


def _arguments(command: Command, rest: str, known: Known) -> Iterator[Choice]:
    words = rest.split(" ")
    place, word = len(words) - 1, words[-1]
    last = len(command.arguments) - 1
    if place >= last >= 0 and command.arguments[last].kind is Kind.OPTIONS:
        yield from _options(words[-2] if place else "", word, known)
        return
    if place >= len(command.arguments):
        return
    for text, about in _offers(command.arguments[place].kind, known):
        if text.startswith(bare_name(word).removeprefix("#").removeprefix("/")):
            yield Choice(text, -len(word), about)


_WORDS = {Kind.POLICY: SHARE_POLICIES, Kind.MODE: MODES, Kind.SESSION: SESSIONS}


def _options(before: str, word: str, known: Known) -> Iterator[Choice]:
    """The name of an option, or what can follow it: several names with commas between them."""
    if before == "--agents":
        start = word.rfind(",") + 1
        taken = set(word[:start].split(","))
        for name, about in known.members.items():
            if name.startswith(bare_name(word[start:])) and name not in taken:
                yield Choice(name, start - len(word), about)
        return
    for option in mode_text.OPTIONS:
        if option.startswith(word) and (word or before):
            yield Choice(option, -len(word))


def _offers(kind: Kind, known: Known) -> Iterator[tuple[str, str]]:
    match kind:
        case Kind.MEMBER:
            yield from known.members.items()
        case Kind.ROOM:
            yield from ((room, "") for room in known.rooms)
        case Kind.MESSAGE:
            yield from ((str(number), "") for number in reversed(known.numbers))
        case Kind.POLICY | Kind.MODE | Kind.SESSION:
            yield from ((word, "") for word in _WORDS[kind])
        case Kind.DECISION:
            yield from known.decisions.items()
        case Kind.COMMAND:
            yield from ((one.word, one.help) for one in COMMANDS.values())


_AT = re.compile(r"(?:^|[\s,!(])(@[A-Za-z0-9_.:-]*)$")


def _names(before: str, known: Known) -> Iterator[Choice]:
    match = _AT.search(before)
    if match is None:
        return
    word = match[1].lower()
    offers = {f"@{name}": about for name, about in known.members.items()}
    offers |= {"@all": "everyone"} | {f"@role:{role}": "everybody of this role" for role in known.roles}
    for text, about in offers.items():
        if text.startswith(word) and text != word:
            yield Choice(text, -len(word), about)
