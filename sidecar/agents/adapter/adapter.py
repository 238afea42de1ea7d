"""The questions an adapter answers, with values."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from gateway.protocol.text.prompts import Prompt
from gateway.protocol.types import AskAbout
from sidecar.screen.evidence import Cost, Probe, TurnFact
from sidecar.screen.rule_files import built_in, load_file
from sidecar.screen.rules import Rules


@dataclass(frozen=True)
class Submit:
    """How a message goes in: how long a paste burst lasts at least, from its last byte and (`shown`) from when the
    composer shows it, and the key that submits."""

    pause: float = 0.15
    shown: float = 0.02
    key: bytes = b"\r"
    echoes: bool = True
    collapses_from: tuple[int, int] = (10**9, 10**9)  # characters, lines from which a paste may show as a placeholder


@dataclass(frozen=True)
class Stash:
    """How a person's draft is kept while a message goes in: `put` takes it out of the composer, and `back` brings it
    back after a submit (none: the agent does that by itself; PASTE: its text is pasted anew). `undo` brings it back
    where nothing was submitted. A draft of more than `rows` rows cannot be kept for certain."""

    put: bytes
    back: bytes = b""
    undo: bytes = b""
    rows: int = 1


PASTE = b"paste"
ATTACHED = "attached"
_NOT_FOR_AGENTS = ("CSP_", "GROUPCHAT_", "TMUX")


@dataclass(frozen=True)
class Asked:
    """What a hook tells of a question before or while it stands on the screen. `decides`: the hook's answer decides
    it, and may take its time; with `words`, a denial carries them to the model. `detail` is all of what `about` says,
    `question` is asked where the dialog's own words cannot be read, `texts` are those that the dialog may show, and
    `turn` is what the vendor calls the turn, or its session."""

    tool: str
    detail: str = ""
    decides: bool = False
    about: AskAbout = AskAbout.TEXT
    question: str = ""
    words: bool = False
    texts: tuple[str, ...] = ()
    turn: str = ""


@dataclass(frozen=True)
class Place:
    """Where a run happens: the user's folder, our private one, the hooks' address, and a fresh session id. `known` is
    what the agent's `prepare` found out; `tools` is where the room's tools are, with `key`, if they are anywhere."""

    project: Path
    private: Path
    hooks: str
    session: str
    env: Mapping[str, str]
    known: Mapping[str, str] = field(default_factory=dict)
    tools: str = ""
    key: str = ""


@dataclass(frozen=True)
class Child:
    """A run that goes on: its place, its process (which leads its group), and when it began, in wall time."""

    place: Place
    pid: int
    started: float


@dataclass(frozen=True)
class Transcript:
    """`fresh` if all of it belongs to this run, else what it holds by now belongs to the past."""

    path: Path
    fresh: bool


@dataclass(frozen=True)
class Launch:
    """`session` is the vendor's name for the conversation, where it is known before the agent runs."""

    command: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[Path, str] = field(default_factory=dict)
    transcript: Path | None = None
    session: str = ""


@dataclass(frozen=True)
class Skill:
    """A prompt as the vendor keeps such things; `path` is below the folder of a project, or of a home."""

    path: str
    text: str


def as_given(command: Sequence[str], place: Place) -> Launch:
    return Launch(tuple(command))


def nothing_known(command: Sequence[str], place: Place) -> Mapping[str, str]:
    return {}


def wants_nothing(command: Sequence[str], place: Place) -> Sequence[str]:
    return ()


def never(command: Sequence[str]) -> bool:
    return False


def unchanged(text: str) -> str:
    return text


def unguarded(text: str, is_name: Callable[[str], bool]) -> str:
    return text


def nothing(_: Mapping[str, object]) -> TurnFact | None:
    return None


def costs_nothing(_: Mapping[str, object]) -> Cost | None:
    return None


def no_answer(_: str) -> Mapping[str, object]:
    return {}


def no_question(_: Mapping[str, object]) -> Asked | None:
    return None


def no_decision(allow: bool, by: str, words: str) -> Mapping[str, object]:
    return {}


def not_resumed(command: Sequence[str], session: str) -> tuple[str, ...] | None:
    return None


def no_words(_: Mapping[str, object], words: str) -> str:
    return ""


def session_of_hook(event: Mapping[str, object]) -> str:
    return str(event.get("session_id") or "")


def unnamed(_: Path) -> str:
    return ""


def nowhere(_: Child) -> Transcript | None:
    return None


def no_file(_: Child) -> Path | None:
    return None


def beside_ours(child: Child) -> Path:
    return child.place.private / ATTACHED


def plain_status(text: str) -> str:
    return text.strip()


def hook_signal(event: Mapping[str, object]) -> str:
    """A hook as evidence of what the agent is doing; its rules look at this text."""
    return " ".join(str(event[key]) for key in ("hook_event_name", "notification_type") if event.get(key))


@dataclass(frozen=True)
class Agent:
    """`wants_first` tells what the agent wants of a person before it can be talked to, as far as its own settings
    say. `prepare` may take its time before a launch, and finds out what the launch must know. `session` names the
    conversation that a hook belongs to, `session_in` the one that a transcript holds ("": it does not tell).
    `reads_in` is a folder, nobody else's, whose files the agent reads without asking its user. `guard` makes
    harmless what would have the agent read a file that a text happens to name; its second argument says whether a
    word names a member and no file. `answer` is the exact answer, where the hook that ends a turn and the
    transcript's last words tell it only together. `find_transcript` is asked until it answers, where neither launch
    nor hooks name the file; `status_file` is where the agent writes what it is doing, and `status` makes evidence
    of its text ("" if that is none). `refuse` is the answer by which its submit hook refuses a prompt, for a
    reason; `asked` reads a hook that tells of a question, and `decide` is the answer that decides it. `resumed` is
    the command that goes on with an earlier session, if it can. `interrupt` is the key that ends a turn, and
    `leaves_tools` says that a tool which runs then goes on; `clear_row` is the key that empties a row of the
    composer. `tool_patience` is how many seconds it bears a tool of the room that waits (0: its launch tells it of
    none); `skill` puts a prompt into its own form."""

    name: str
    rules: Rules
    is_for: Callable[[Sequence[str]], bool] = never
    wants_first: Callable[[Sequence[str], Place], Sequence[str]] = wants_nothing
    prepare: Callable[[Sequence[str], Place], Mapping[str, str]] = nothing_known
    launch: Callable[[Sequence[str], Place], Launch] = as_given
    submit: Submit = Submit()
    reads_in: Callable[[Child], Path] = beside_ours
    guard: Callable[[str, Callable[[str], bool]], str] = unguarded
    finish: Callable[[str], str] = unchanged
    hook: Callable[[Mapping[str, object]], TurnFact | None] = nothing
    answer: Callable[[Mapping[str, object], str], str] = no_words
    transcript_line: Callable[[Mapping[str, object]], TurnFact | None] = nothing
    transcript_cost: Callable[[Mapping[str, object]], Cost | None] = costs_nothing
    hook_signal: Callable[[Mapping[str, object]], str] = hook_signal
    session: Callable[[Mapping[str, object]], str] = session_of_hook
    session_in: Callable[[Path], str] = unnamed
    find_transcript: Callable[[Child], Transcript | None] = nowhere
    status_file: Callable[[Child], Path | None] = no_file
    status: Callable[[str], str] = plain_status
    refuse: Callable[[str], Mapping[str, object]] = no_answer
    asked: Callable[[Mapping[str, object]], Asked | None] = no_question
    decide: Callable[[bool, str, str], Mapping[str, object]] = no_decision
    resumed: Callable[[Sequence[str], str], tuple[str, ...] | None] = not_resumed
    stash: Stash | None = None
    interrupt: bytes = b"\x1b"
    leaves_tools: bool = False
    clear_row: bytes = b"\x15"
    probe: Probe | None = None
    silence: float | None = None
    proves: bool = True
    shares: bool = True
    tool_patience: int = 0
    skill: Callable[[str, Prompt], Skill] | None = None


def plain_environment(env: Mapping[str, str]) -> dict[str, str]:
    """The child's environment: no token of the team, of a person or of ours, and no way to the person's tmux."""
    return {name: value for name, value in env.items() if not name.startswith(_NOT_FOR_AGENTS)}


def rules_of(name: str) -> Rules:
    return load_file(built_in(name))


def program(command: Sequence[str]) -> str:
    return Path(command[0]).name if command else ""
