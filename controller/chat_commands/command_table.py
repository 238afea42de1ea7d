"""The commands of the chat's input line: one table for parser, help and completion. Pure."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum

from controller.chat_commands import mode_commands
from gateway.protocol.errors import BadRequest, UnknownCommand
from gateway.protocol.text.addressing import AddressedText, SlashCommand, parse_line
from gateway.protocol.types.core_types import SHARE_POLICIES, bare_name


class ArgumentKind(Enum):
    """The kind of an argument, which decides how it is checked and completed."""

    MEMBER = "member"
    ROOM = "room"
    MESSAGE = "message"
    ANY_MESSAGE = "any message"
    POLICY = "policy"
    MODE = "mode"
    DECISION = "decision"
    SESSION = "session"
    WORD = "word"
    TEXT = "text"
    OPTIONS = "options"
    COMMAND = "command"


NO_ROLE = "none"
SESSION_ACTIONS = ("open", "close", "pause", "resume", "show", "list")
MODE_NAMES = (
    *("debate", "consensus", "salomo", "review", "pipeline", "round-robin", "autopilot"),
    "freeform",
)


@dataclass(frozen=True)
class ChatArgument:
    name: str
    kind: ArgumentKind
    wanted: bool = True

    def __str__(self) -> str:
        return self.name.upper() if self.wanted else f"[{self.name.upper()}]"


@dataclass(frozen=True)
class ChatCommand:
    word: str
    help: str
    arguments: tuple[ChatArgument, ...] = ()

    @property
    def usage(self) -> str:
        return " ".join([f"/{self.word}", *map(str, self.arguments)])


MEMBER = ChatArgument("name", ArgumentKind.MEMBER)
ANY_MEMBER = ChatArgument("name", ArgumentKind.MEMBER, wanted=False)
MESSAGE = ChatArgument("number", ArgumentKind.MESSAGE)
ANY_MESSAGE = ChatArgument("number", ArgumentKind.MESSAGE, wanted=False)
MESSAGE_OF_ANYONE = ChatArgument("number", ArgumentKind.ANY_MESSAGE)  # also of others
ROOM = ChatArgument("room", ArgumentKind.ROOM)
ANY_ROOM = ChatArgument("room", ArgumentKind.ROOM, wanted=False)


COMMANDS = {
    one.word: one
    for one in (
        ChatCommand(
            "to",
            "say it in front of everyone; only the named one is woken",
            (MEMBER, ChatArgument("text", ArgumentKind.TEXT)),
        ),
        ChatCommand(
            "seal",
            "a direct message that only the machines of those named can read: @name text",
            (ChatArgument("message", ArgumentKind.TEXT),),
        ),
        ChatCommand("agents", "the agents: what each is doing, and how many messages wait for it"),
        ChatCommand("who", "the members of this room, with their roles"),
        ChatCommand("rooms", "the rooms, with their topics, members and unread messages"),
        ChatCommand(
            "room",
            "show the room with this number or name; Alt-1 to Alt-9 on an empty line",
            (ChatArgument("number or name", ArgumentKind.ROOM),),
        ),
        ChatCommand("join", "join a room and show it", (ROOM,)),
        ChatCommand(
            "create",
            "create a room and show it; `--sealed` instead of a topic: only its members' machines read it",
            (ROOM, ChatArgument("topic", ArgumentKind.TEXT, wanted=False)),
        ),
        ChatCommand(
            "invite",
            "bring agents into this room, or let people join it",
            (MEMBER, ChatArgument("more names", ArgumentKind.TEXT, wanted=False)),
        ),
        ChatCommand(
            "admit",
            "let members read this sealed room, after a look at their fingerprints; /invite does the same here",
            (MEMBER, ChatArgument("more names", ArgumentKind.TEXT, wanted=False)),
        ),
        ChatCommand("keys", "the keys of members, how far they are trusted, and their fingerprints", (ANY_MEMBER,)),
        ChatCommand(
            "trust",
            "mark a member's key as verified, after you have compared its fingerprint by telephone or face to face",
            (MEMBER, ChatArgument("fingerprint", ArgumentKind.TEXT)),
        ),
        ChatCommand("kick", "remove a member from this room until it is invited again", (MEMBER,)),
        ChatCommand(
            "topic", "show or set the topic of this room", (ChatArgument("text", ArgumentKind.TEXT, wanted=False),)
        ),
        ChatCommand("mute", "no bell and no unread count for a room, or for this one", (ANY_ROOM,)),
        ChatCommand("unmute", "the opposite of /mute", (ANY_ROOM,)),
        ChatCommand("pause", "hold the messages of one agent or of all", (ANY_MEMBER,)),
        ChatCommand("resume", "deliver what /pause holds", (ANY_MEMBER,)),
        ChatCommand("stop", "stop an agent's turn at once; without a name, those of all busy agents", (ANY_MEMBER,)),
        ChatCommand(
            "history",
            "go to a message, or to the beginning",
            (ANY_MESSAGE,),
        ),
        ChatCommand("search", "find messages by their words", (ChatArgument("words", ArgumentKind.TEXT),)),
        ChatCommand(
            "recall",
            "find what was said earlier that answers a question",
            (ChatArgument("question", ArgumentKind.TEXT),),
        ),
        ChatCommand("receipts", "the delivery steps of a message, or of your last one", (ANY_MESSAGE,)),
        ChatCommand("reply", "answer a message", (MESSAGE_OF_ANYONE, ChatArgument("text", ArgumentKind.TEXT))),
        ChatCommand("thread", "the message that began a thread, and all that answer it", (MESSAGE_OF_ANYONE,)),
        ChatCommand(
            "react",
            "put a sign on a message: an emoji or a short word; again takes it off. It wakes nobody",
            (MESSAGE_OF_ANYONE, ChatArgument("sign", ArgumentKind.WORD)),
        ),
        ChatCommand("pin", "pin a message to this room", (MESSAGE_OF_ANYONE,)),
        ChatCommand("unpin", "remove the pin of a message", (MESSAGE_OF_ANYONE,)),
        ChatCommand("pins", "the pinned messages of this room"),
        ChatCommand(
            "copy",
            "copy a message, or the newest; `code` or `code 2` copies a code block of it",
            (
                ChatArgument("number", ArgumentKind.ANY_MESSAGE, wanted=False),
                ChatArgument("code", ArgumentKind.TEXT, wanted=False),
            ),
        ),
        ChatCommand("mentions", "the last message that names you; again, the one before"),
        ChatCommand(
            "quote",
            "send lines of a file with a message: src/app.py:42-58 @name text",
            (ChatArgument("lines", ArgumentKind.WORD), ChatArgument("message", ArgumentKind.TEXT, wanted=False)),
        ),
        ChatCommand("cancel", "cancel a message that no sidecar has begun to type", (MESSAGE, ANY_MEMBER)),
        ChatCommand("retry", "deliver a failed message again", (MESSAGE, MEMBER)),
        ChatCommand("asks", "the questions of agents that wait for an answer"),
        ChatCommand(
            "approve", "answer an agent's question", (MEMBER, ChatArgument("option", ArgumentKind.WORD, wanted=False))
        ),
        ChatCommand(
            "deny",
            "answer an agent's question with no; `because ...` tells the model why",
            (MEMBER, ChatArgument("because words", ArgumentKind.TEXT, wanted=False)),
        ),
        ChatCommand("terminal", "show an agent's own terminal, as large as the window", (MEMBER,)),
        ChatCommand("large", "make the chat as large as the window, and back; with a name, that agent", (ANY_MEMBER,)),
        ChatCommand(
            "propose",
            "let the room vote: question | option | option; @ada @me first name the voters; @name text proposes to one",
            (ChatArgument("question", ArgumentKind.TEXT),),
        ),
        ChatCommand(
            "vote",
            "answer: an option, accept or reject; `because ...` gives a reason",
            (ChatArgument("decision", ArgumentKind.DECISION), ChatArgument("answer", ArgumentKind.TEXT)),
        ),
        ChatCommand(
            "decisions",
            "open decisions and their votes",
            (ChatArgument("decision", ArgumentKind.DECISION, wanted=False),),
        ),
        ChatCommand(
            "decide",
            "close a decision of yours with the votes so far",
            (ChatArgument("decision", ArgumentKind.DECISION),),
        ),
        ChatCommand(
            "session",
            "a named piece of work: open NAME goal, close NAME words, pause, resume, show, list",
            (
                ChatArgument("action", ArgumentKind.SESSION, wanted=False),
                ChatArgument("name and words", ArgumentKind.TEXT, wanted=False),
            ),
        ),
        ChatCommand("why", "why an agent is silent, and what helps; without a name, each of them", (ANY_MEMBER,)),
        ChatCommand("explain", "what the sidecar sees of an agent, and why nothing is typed", (MEMBER,)),
        ChatCommand(
            "share",
            "how much of an agent's output the room sees",
            (MEMBER, ChatArgument("policy", ArgumentKind.POLICY)),
        ),
        ChatCommand(
            "role",
            "give an agent a role, also for its next starts; none removes it",
            (MEMBER, ChatArgument("role", ArgumentKind.WORD)),
        ),
        ChatCommand("restart", "restart an agent, or the `gateway`", (MEMBER,)),
        ChatCommand(
            "continue",
            "lift the loop guard's holds, everywhere, for one agent or in one #room, and deliver what they held",
            (ChatArgument("agent or room", ArgumentKind.WORD, wanted=False),),
        ),
        ChatCommand(
            "export",
            "write the room to a new file: .md, .html, or JSON lines for `groupchat import`",
            (ChatArgument("file", ArgumentKind.TEXT),),
        ),
        ChatCommand(
            "mode",
            "start a turn mode: a debate, a vote, a review; without an argument, list the modes",
            (
                ChatArgument("mode", ArgumentKind.MODE, wanted=False),
                ChatArgument("topic", ArgumentKind.OPTIONS, wanted=False),
            ),
        ),
        ChatCommand("status", "the current mode, whose turn it is, and the gateway's state"),
        ChatCommand("next", "pass the turn on"),
        ChatCommand(
            "extend",
            "give the speaker more time: seconds, or 5m",
            (ChatArgument("time", ArgumentKind.WORD, wanted=False),),
        ),
        ChatCommand("end", "end the mode"),
        ChatCommand(
            "help",
            "this list, or one command or group of it",
            (ChatArgument("command", ArgumentKind.COMMAND, wanted=False),),
        ),
        ChatCommand("quit", "leave the chat; agents and gateway keep running"),
    )
}

ALIASES = {"exit": "quit", "list": "agents", "q": "quit", "h": "help"}

SPEAK_HELP = (
    ("text", "to everyone in the room"),
    ("@name text", "direct: only those named and observers read it; @a @b text to several"),
    ("@all text", "to everyone"),
    ("!text", "urgent: does not wait until the agent is idle"),
    ("!!text", "stops the agent's turn, then delivers the message"),
    ("!stop", "stops the agents, like /stop; @name !stop stops one"),
    ("!^C", "press a key in the agents' terminals; @name !^C in one, !esc too"),
    ("\\text", "text as it is, also when it begins with / or @"),
)


@dataclass(frozen=True)
class ParsedCommand:
    """A command with its arguments, whose form is checked."""

    command: ChatCommand
    values: Mapping[str, str]

    def get(self, name: str) -> str | None:
        return self.values.get(name)


@dataclass(frozen=True)
class KeyPress:
    """A key to press in the terminals of the named agents, or of all if none is named."""

    keys: str
    to: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        return _names_only(self.to)


@dataclass(frozen=True)
class StopRequest:
    """Stop the current turns of the named agents, or of all busy ones if none is named."""

    to: tuple[str, ...] = ()


_KEY_NAME = re.compile(r"\^[A-Za-z\[\]\\_]|esc(?:ape)?", re.IGNORECASE)
_STOP_WORD = "stop"


def parse_input(text: str) -> ParsedCommand | KeyPress | StopRequest | AddressedText:
    line = parse_line(text)
    if isinstance(line, SlashCommand):
        return parse_command(line.word, line.rest)
    return parse_urgent_key(line) or line


def parse_urgent_key(line: SlashCommand | AddressedText) -> KeyPress | StopRequest | None:
    """A message that consists only of an urgent key or an urgent `stop`."""
    if not isinstance(line, AddressedText) or not line.urgent:
        return None
    key, to = line.text.strip(), tuple(str(one) for one in line.to)
    if key.lower() == _STOP_WORD:
        return StopRequest(_names_only(to))
    if not _KEY_NAME.fullmatch(key):
        return None
    return KeyPress("esc" if key[0] != "^" else key.upper(), to)


def _names_only(to: tuple[str, ...]) -> tuple[str, ...]:
    """The recipients that are named; empty if everyone is addressed."""
    return tuple(name for one in to if (name := bare_name(one)) != "all")


def parse_command(word: str, rest: str) -> ParsedCommand:
    command = COMMANDS.get(ALIASES.get(word, word))
    if command is None:
        near = difflib.get_close_matches(word, COMMANDS, n=2, cutoff=0.5)
        hint = " or ".join(f"/{one}" for one in near) or "/help"
        raise UnknownCommand(f"There is no /{word[:40]}. Try {hint}; \\/{word[:40]} says it as text.")
    values: dict[str, str] = {}
    for argument in command.arguments:
        text, rest = (
            (rest, "") if argument.kind in (ArgumentKind.TEXT, ArgumentKind.OPTIONS) else _split_first_word(rest)
        )
        if text:
            values[argument.name] = _check_argument(command, argument, text)
        elif argument.wanted:
            raise BadRequest(f"{command.usage}: which {argument.name}?")
    if rest.strip():
        raise BadRequest(f"{command.usage} takes no more than that; {rest.strip()[:40]!r} is too much.")
    return ParsedCommand(command, values)


def _split_first_word(rest: str) -> tuple[str, str]:
    word, _, tail = rest.strip().partition(" ")
    return word, tail.strip()


def _check_argument(command: ChatCommand, argument: ChatArgument, text: str) -> str:
    match argument.kind:
        case ArgumentKind.MEMBER:
            return bare_name(text)
        case ArgumentKind.ROOM:
            return text.removeprefix("#").lower()
        case ArgumentKind.MESSAGE | ArgumentKind.ANY_MESSAGE:
            number = text.removeprefix("#")
            if not number.isdecimal():
                raise BadRequest(f"{command.usage}: {text[:40]!r} is not a message's number, such as 812.")
            return number
        case ArgumentKind.POLICY if text.lower() not in SHARE_POLICIES:
            raise BadRequest(f"{command.usage}: the last word must be one of {', '.join(SHARE_POLICIES)}.")
        case ArgumentKind.SESSION if text.lower() not in SESSION_ACTIONS:
            raise BadRequest(f"{command.usage}: the action must be one of {', '.join(SESSION_ACTIONS)}.")
        case ArgumentKind.COMMAND | ArgumentKind.SESSION:
            return text.removeprefix("/").lower()
    return text


def role_from_word(word: str) -> str:
    """The role as the gateway expects it: `none` is the empty role."""
    return "" if word.lower() == NO_ROLE else word.lower()


def reason_from_words(words: str) -> str:
    """The reason of a refusal, without a leading `because`."""
    first, _, rest = words.strip().partition(" ")
    return rest.strip() if first.lower() == "because" else words.strip()


# help


def help_lines(word: str) -> list[tuple[str, str]]:
    """The syntax of a command, and what it does. `help_pages.py` has the help as a whole."""
    command = COMMANDS.get(ALIASES.get(word, word))
    if command is None:
        raise UnknownCommand(f"There is no /{word[:40]}; /help lists all commands.")
    return [(command.usage, command.help)]


# completion


@dataclass(frozen=True)
class Completion:
    """One completion; `start` counts back from the cursor."""

    text: str
    start: int
    about: str = ""


@dataclass(frozen=True)
class CompletionNames:
    """What completion can offer: names with a description, rooms, roles, numbers of own messages, open decisions with
    their question."""

    members: Mapping[str, str]
    rooms: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    numbers: tuple[int, ...] = ()
    decisions: Mapping[str, str] = field(default_factory=dict)
    messages: Mapping[int, str] = field(default_factory=dict)  # the newest first, with who said what


def may_complete(before: str) -> bool:
    """Whether completion can offer anything: most text is neither a command nor a name."""
    return _is_command(before) or _MENTION_BEGUN.search(before) is not None


def _is_command(before: str) -> bool:
    return before.startswith("/") and "\n" not in before


def complete(before: str, known: CompletionNames) -> list[Completion]:
    """For the text before the cursor."""
    if _is_command(before):
        word, space, rest = before[1:].partition(" ")
        if not space:
            return [
                Completion(f"/{one.word}", -len(before), one.help)
                for one in COMMANDS.values()
                if one.word.startswith(word.lower())
            ]
        command = COMMANDS.get(ALIASES.get(word.lower(), word.lower()))
        return list(_complete_arguments(command, rest, known)) if command else []
    return list(_complete_names(before, known))


def _complete_arguments(command: ChatCommand, rest: str, known: CompletionNames) -> Iterator[Completion]:
    words = rest.split(" ")
    place, word = len(words) - 1, words[-1]
    last = len(command.arguments) - 1
    if place >= last >= 0 and command.arguments[last].kind is ArgumentKind.OPTIONS:
        yield from _complete_options(words[-2] if place else "", word, known)
        return
    if place >= len(command.arguments):
        return
    for text, about in _values_of_kind(command.arguments[place].kind, known):
        if text.startswith(bare_name(word).removeprefix("#").removeprefix("/")):
            yield Completion(text, -len(word), about)


_WORDS_BY_KIND = {
    ArgumentKind.POLICY: SHARE_POLICIES,
    ArgumentKind.MODE: MODE_NAMES,
    ArgumentKind.SESSION: SESSION_ACTIONS,
}


def _complete_options(before: str, word: str, known: CompletionNames) -> Iterator[Completion]:
    """The name of an option, or what can follow it: several names with commas between them."""
    if before == "--agents":
        start = word.rfind(",") + 1
        taken = set(word[:start].split(","))
        for name, about in known.members.items():
            if name.startswith(bare_name(word[start:])) and name not in taken:
                yield Completion(name, start - len(word), about)
        return
    for option in mode_commands.MODE_OPTIONS:
        if option.startswith(word) and (word or before):
            yield Completion(option, -len(word))


def _values_of_kind(kind: ArgumentKind, known: CompletionNames) -> Iterator[tuple[str, str]]:
    match kind:
        case ArgumentKind.MEMBER:
            yield from known.members.items()
        case ArgumentKind.ROOM:
            yield from ((room, "") for room in known.rooms)
        case ArgumentKind.MESSAGE:
            yield from ((str(number), "") for number in reversed(known.numbers))
        case ArgumentKind.ANY_MESSAGE:
            yield from ((str(number), about) for number, about in known.messages.items())
        case ArgumentKind.POLICY | ArgumentKind.MODE | ArgumentKind.SESSION:
            yield from ((word, "") for word in _WORDS_BY_KIND[kind])
        case ArgumentKind.DECISION:
            yield from known.decisions.items()
        case ArgumentKind.COMMAND:
            yield from ((one.word, one.help) for one in COMMANDS.values())


_MENTION_BEGUN = re.compile(r"(?:^|[\s,!(])(@[A-Za-z0-9_.:-]*)$")


def _complete_names(before: str, known: CompletionNames) -> Iterator[Completion]:
    match = _MENTION_BEGUN.search(before)
    if match is None:
        return
    word = match[1].lower()
    offers = {f"@{name}": about for name, about in known.members.items()}
    offers |= {"@all": "everyone"} | {f"@role:{role}": "everybody of this role" for role in known.roles}
    for text, about in offers.items():
        if text.startswith(word) and text != word:
            yield Completion(text, -len(word), about)
