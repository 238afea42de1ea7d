"""The format of a rules file: one struct for each table, one line for each key.

The linter reads the structs, and a test compares the texts with `docs/design/0012-rules-file.md`, so a key is declared
and explained here alone. `not` and `is` are words of Python, so these two keys have other names in the structs.
"""

from __future__ import annotations

from typing import Annotated, Literal, NamedTuple

import msgspec


class KeyDoc(NamedTuple):
    """What a key means. `regex`: its text, or each of its texts, is a regular expression with these named `groups`, and
    with the `flags` that stand before it."""

    says: str
    regex: bool = False
    groups: tuple[str, ...] = ()
    flags: str = ""


Region = Literal[
    "screen",
    "above",
    "box",
    "below",
    "dialog",
    "cursor_row",
    "last_row",
    "title",
    "vendor",
    "status",
    "hook",
    "notice",
    "bell",
    "mode",
    "process",
]
State = Literal["idle", "busy", "asking", "error", "unknown"]


class RulesTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A table of the file."""


class LaunchTable(RulesTable, frozen=True):
    """How it is started. In its texts, `{project}`, `{private}` (a folder of ours), `{home}`, `{session}` (an id for
    the conversation) and `{hook}` (the command of a hook) are replaced."""

    command: Annotated[str | list[str], KeyDoc("the command, as in a shell or as a list of words")] = ""
    programs: Annotated[list[str], KeyDoc("names of programs that are this agent (default: that of `command`)")] = []
    resume: Annotated[str | list[str], KeyDoc("the command that continues the conversation `{session}`")] = ""
    environment: Annotated[dict[str, str], KeyDoc("further variables of its environment")] = {}
    files: Annotated[
        dict[str, str], KeyDoc("private files that are written before it starts; each begins with `{private}/`")
    ] = {}


class MarksTable(RulesTable, frozen=True):
    """What a program that reads lines shows. One with a frame around its input needs `[box]` and `[[rules]]`."""

    prompt: Annotated[str, KeyDoc("the row of the cursor while it waits for input", regex=True)]
    busy: Annotated[str, KeyDoc("its last row while it works", regex=True)] = ""
    dialog: Annotated[
        str, KeyDoc("the row of the cursor while it asks something that no message may answer", regex=True)
    ] = r"(?i)(?:\[y/n\]|\(y/n\)|\(yes/no\)|password|passphrase).{0,40}\s*$"
    end: Annotated[str, KeyDoc("its last row when a turn has ended, if it shows no prompt then", regex=True)] = ""


class SubmitTable(RulesTable, frozen=True):
    """How a message is typed."""

    key: Annotated[Literal["enter", "tab", "ctrl-j"], KeyDoc("the key that submits")] = "enter"
    pause: Annotated[float, KeyDoc("seconds between the text and the key")] = 0.15
    echoes: Annotated[bool | None, KeyDoc("whether `[box]` shows what was typed (default: true with a box)")] = None
    interrupt: Annotated[
        Literal["escape", "ctrl-c"] | None, KeyDoc("the key that ends a turn (default: escape with a box, else ctrl-c)")
    ] = None


class TranscriptLineTable(RulesTable, frozen=True):
    """A line of the transcript that tells something of a turn."""

    is_: Annotated[
        Literal["prompt", "model", "answer", "ended", "interrupted", "failed", "refused"],
        KeyDoc(
            "what it tells: the prompt was read, the model works, its answer, the end of the turn, no answer "
            "(interrupted, failed); refused: a request that it repeats by itself"
        ),
    ] = msgspec.field(name="is")
    where: Annotated[dict[str, str | int | bool], KeyDoc("the fields by which it is known; a dot leads into a field")]
    text: Annotated[str, KeyDoc("the field with the prompt, the answer or the error")] = ""
    turn: Annotated[str, KeyDoc("the field with the id of the turn")] = ""


class TranscriptTable(RulesTable, frozen=True):
    """The file in which it writes its conversation, one JSON object a line. It proves that a message was read, and
    holds the answer."""

    file: Annotated[
        str, KeyDoc("its path, with the names of `[launch]`; with `*` in names, the newest such file of this run")
    ]
    lines: Annotated[list[TranscriptLineTable], KeyDoc("the lines that count")]


class HooksTable(RulesTable, frozen=True):
    """Hooks that post their event as JSON to the command `{hook}`."""

    style: Annotated[str, KeyDoc("the agent of ours whose hooks its hooks are like")]


class StartTable(RulesTable, frozen=True):
    """The query that it sends to its terminal before it accepts input."""

    query: Annotated[str, KeyDoc("the bytes of the query")]
    within: Annotated[float, KeyDoc("seconds from its first picture in which it may ask")]
    patience: Annotated[float, KeyDoc("seconds that it waits for the answer")]


class BoxTable(RulesTable, frozen=True):
    """The frame around its input."""

    rule: Annotated[str, KeyDoc("the row above and beneath it, across the whole width", regex=True)] = ""
    top: Annotated[str, KeyDoc("the row above it, if the two differ", regex=True)] = ""
    bottom: Annotated[str, KeyDoc("the row beneath it", regex=True)] = ""
    narrow: Annotated[
        bool, KeyDoc("whether `rule` may be narrower than the screen; the box is then around the visible cursor")
    ] = False
    continued: Annotated[
        bool, KeyDoc("whether each of its rows begins with `mark`; it is at the visible cursor then, beneath `top`")
    ] = False
    gutter: Annotated[str, KeyDoc("the character that begins each of its rows, in any column")] = ""
    foot: Annotated[str, KeyDoc("the row beneath a box with a gutter, as wide as the box", regex=True)] = ""
    cover: Annotated[
        str, KeyDoc("a row that a low screen draws over the lowest rows of a box with a gutter", regex=True)
    ] = ""
    mark: Annotated[str, KeyDoc("how its first row begins", regex=True)] = ""
    marks: Annotated[str, KeyDoc("the characters that may begin its first row")] = ""
    indent: Annotated[int, KeyDoc("the columns before the text")] = 2
    below: Annotated[str, KeyDoc("how each row beneath it begins", regex=True)] = ""
    footer: Annotated[str, KeyDoc("the row directly beneath it, after which nothing matters", regex=True)] = ""
    above: Annotated[str, KeyDoc("what the rows above it end with", regex=True)] = ""
    placeholders: Annotated[list[str], KeyDoc("texts in an empty box", regex=True)] = []
    pasted: Annotated[str, KeyDoc("what stands for a long paste, with a group `lines` or `characters`", regex=True)] = (
        ""
    )
    commands: Annotated[str, KeyDoc("texts that it handles itself, so that no turn begins", regex=True)] = ""
    other: Annotated[str, KeyDoc("how its first row begins where the text is not for the model", regex=True)] = ""
    scrolled: Annotated[str, KeyDoc("the row above it while it shows a part of its text", regex=True)] = ""
    cut: Annotated[str, KeyDoc("its first row while it shows a part of its text", regex=True, groups=("text",))] = ""
    tallest: Annotated[int, KeyDoc("the rows from which it shows a part of its text")] = 60
    replaced: Annotated[
        str, KeyDoc("what is between the rows of its frame where a dialog has taken its place", regex=True)
    ] = ""
    whole_width: Annotated[
        bool, KeyDoc("whether these rows take the last column, too, which a row of text never does")
    ] = False
    kept: Annotated[
        str, KeyDoc("the row above it that says that prompts wait for the next Enter, after a stop", regex=True)
    ] = ""


class DialogTable(RulesTable, frozen=True):
    """A question on its screen."""

    question: Annotated[str, KeyDoc("the row that asks", regex=True)]
    option: Annotated[
        str, KeyDoc("a row that can be chosen, with its key and its text", regex=True, groups=("key", "text"))
    ]
    starts: Annotated[str, KeyDoc("the row across the whole width that begins it", regex=True)] = ""
    lowest_start: Annotated[bool, KeyDoc("whether the lowest such row counts (default: the highest)")] = False
    after: Annotated[str, KeyDoc("the row above it, if none begins it", regex=True)] = ""
    allow: Annotated[str, KeyDoc("words of an option that plainly mean yes", regex=True)] = ""
    deny: Annotated[str, KeyDoc("words of an option that plainly mean no", regex=True)] = ""
    cancel: Annotated[str, KeyDoc("what it shows where Escape means no", regex=True)] = ""
    hidden: Annotated[str, KeyDoc("the row that says that rows are hidden", regex=True)] = ""
    unlisted: Annotated[str, KeyDoc("the row that says that options are hidden", regex=True)] = ""
    closes: Annotated[str, KeyDoc("how each option ends, where options may be cut without a sign", regex=True)] = ""
    last: Annotated[str, KeyDoc("the last option, where options may be cut without a sign", regex=True)] = ""
    cut: Annotated[str, KeyDoc("a dialog whose first row is not shown", regex=True)] = ""
    entire: Annotated[
        str, KeyDoc("a dialog that shows all of its rows, where some may be missing without a sign", regex=True)
    ] = ""


class MatcherTable(RulesTable, frozen=True):
    """What is looked for in a region. If several are given, all must hold."""

    contains: Annotated[str, KeyDoc("a text")] = ""
    regex: Annotated[str, KeyDoc("a regular expression; `^` and `$` stand for the ends of a row", regex=True)] = ""
    all: Annotated[list[MatcherTable], KeyDoc("matchers that all must match")] = []
    any: Annotated[list[MatcherTable], KeyDoc("matchers of which one must match")] = []
    not_: Annotated[list[MatcherTable], KeyDoc("matchers of which none may match")] = msgspec.field(
        name="not", default=[]
    )


class RuleTable(MatcherTable, frozen=True, kw_only=True):
    """A rule: what one region shows, and the state that it speaks for."""

    name: Annotated[str, KeyDoc("what it recognises, for `groupchat explain`")]
    region: Annotated[Region, KeyDoc("where it looks: a part of the screen, or a signal beside it")]
    says: Annotated[State, KeyDoc("the state")]
    priority: Annotated[int, KeyDoc("of the rules of one source that match, the highest counts")] = 0
    keeps: Annotated[float | None, KeyDoc("seconds that it stays true; on the screen, after the last output")] = None
    box: Annotated[bool | None, KeyDoc("only while `[box]` is (true) or is not (false) on the screen")] = None
    alternate: Annotated[bool | None, KeyDoc("only on the alternate screen (true), or not on it (false)")] = None
    versions: Annotated[list[str], KeyDoc("the versions that it was tried on")] = []


class ConditionTable(RulesTable, frozen=True):
    """What it shows of something that keeps it from working: a usage limit, a missing login. People are told the
    matched text, and mail waits while it is limited."""

    name: Annotated[str, KeyDoc("what it recognises")]
    region: Annotated[
        Literal[Region, "failure"],
        KeyDoc(
            "where it looks; `failure` is the error of a turn, or of a request that it repeats, from hooks or the "
            "transcript"
        ),
    ]
    kind: Annotated[Literal["limited", "login", "compacting", "update", "context"], KeyDoc("what it is")]
    regex: Annotated[
        str,
        KeyDoc("a regular expression; upper and lower case are the same; its group `text` is told", True, flags="(?i)"),
    ]
    box: Annotated[bool | None, KeyDoc("only while `[box]` is (true) or is not (false) on the screen")] = None


class RulesTables(RulesTable, frozen=True):
    """The whole file."""

    agent: Annotated[str, KeyDoc("its name, the same as that of the file")]
    versions: Annotated[list[str], KeyDoc("the versions that the rules were tried on")] = []
    experimental: Annotated[bool, KeyDoc("whether the rules were never tried")] = False
    banner: Annotated[str, KeyDoc("what finds its version at the start", regex=True, groups=("version",))] = ""
    silence: Annotated[
        float | None,
        KeyDoc("seconds without output after which it counts as at rest; 0: never (default: 0.4, with a box 1.0)"),
    ] = None
    envelope: Annotated[
        str, KeyDoc("the envelope before each message; `none` types the bare text, for a shell or a REPL")
    ] = ""
    launch: LaunchTable = LaunchTable()
    marks: MarksTable | None = None
    submit: SubmitTable = SubmitTable()
    transcript: TranscriptTable | None = None
    hooks: HooksTable | None = None
    start: StartTable | None = None
    box: BoxTable | None = None
    dialog: DialogTable | None = None
    rules: Annotated[list[RuleTable], KeyDoc("the rules")] = []
    conditions: Annotated[list[ConditionTable], KeyDoc("what keeps it from working")] = []
