"""The questions an adapter answers, with values."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from gateway.protocol.text.prompts import RolePrompt
from gateway.protocol.types import AskAbout
from sidecar.screen.evidence import Probe, TokenCost, TurnFact
from sidecar.screen.rule_files import built_in_rules_file, load_file
from sidecar.screen.rules import ScreenRules


@dataclass(frozen=True)
class SubmitMethod:
    """How a message goes in."""

    pause: float = 0.15  # how long a paste burst lasts at least, from its last byte
    shown: float = 0.02  # and from when the composer shows it
    key: bytes = b"\r"
    echoes: bool = True
    collapses_from: tuple[int, int] = (10**9, 10**9)  # characters, lines from which a paste may show as a placeholder


@dataclass(frozen=True)
class DraftStash:
    """How a person's draft is kept while a message goes in."""

    put: bytes  # takes it out of the composer
    back: bytes = b""  # brings it back after a submit; none: the agent does that by itself; PASTE: it is pasted anew
    undo: bytes = b""  # brings it back where nothing was submitted
    rows: int = 1  # a draft of more cannot be kept for certain


PASTE_KEY = b"paste"
CLEAR_ROW = b"\x15"  # empties a row of any composer
ATTACHED_FOLDER = "attached"
_HIDDEN_VARIABLE_PREFIXES = ("CSP_", "GROUPCHAT_", "TMUX")


@dataclass(frozen=True)
class HookQuestion:
    """What a hook tells of a question before or while it stands on the screen."""

    tool: str
    detail: str = ""  # all of what `about` says
    decides: bool = False  # the hook's answer decides it, and may take its time
    about: AskAbout = AskAbout.TEXT
    question: str = ""  # asked where the dialog's own words cannot be read
    words: bool = False  # a denial carries words to the model
    texts: tuple[str, ...] = ()  # those that the dialog may show
    turn: str = ""  # what the vendor calls the turn, or its session


@dataclass(frozen=True)
class LaunchContext:
    """Where a run happens."""

    project: Path  # the user's folder
    private: Path  # ours
    hooks: str  # their address
    session: str  # a fresh name for a conversation
    env: Mapping[str, str]
    known: Mapping[str, str] = field(default_factory=dict)  # what the agent's `prepare` found out
    tools: str = ""  # where the room's tools are, if they are anywhere
    key: str = ""  # to them


@dataclass(frozen=True)
class RunningAgent:
    """A run that goes on: its place, its process (which leads its group), and when it began, in wall time."""

    place: LaunchContext
    pid: int
    started: float


@dataclass(frozen=True)
class Transcript:
    """`fresh` if all of it belongs to this run, else what it holds by now belongs to the past."""

    path: Path
    fresh: bool


@dataclass(frozen=True)
class LaunchPlan:
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


def launch_as_given(command: Sequence[str], place: LaunchContext) -> LaunchPlan:
    return LaunchPlan(tuple(command))


def no_preparation(command: Sequence[str], place: LaunchContext) -> Mapping[str, str]:
    return {}


def no_setup_needed(command: Sequence[str], place: LaunchContext) -> Sequence[str]:
    return ()


def never_for_command(command: Sequence[str]) -> bool:
    return False


def no_resume_command(command: Sequence[str], session: str) -> tuple[str, ...] | None:
    return None


def leave_unchanged(text: str) -> str:
    return text


def leave_unguarded(text: str, is_name: Callable[[str], bool]) -> str:
    return text


def own_attachment_folder(child: RunningAgent) -> Path:
    return child.place.private / ATTACHED_FOLDER


def hook_signal(event: Mapping[str, object]) -> str:
    """A hook as evidence of what the agent is doing; its rules look at this text."""
    return " ".join(str(event[key]) for key in ("hook_event_name", "notification_type") if event.get(key))


def session_of_hook(event: Mapping[str, object]) -> str:
    return str(event.get("session_id") or "")


def no_cost(_: Mapping[str, object]) -> TokenCost | None:
    return None


def no_session_name(_: Path) -> str:
    return ""


def no_transcript(_: RunningAgent) -> Transcript | None:
    return None


def plain_status(text: str) -> str:
    return text.strip()


@dataclass(frozen=True)
class LaunchMethod:
    """How its command is recognised and started, and how it goes on with an earlier conversation."""

    is_for: Callable[[Sequence[str]], bool] = never_for_command
    # what the agent wants of a person before it can be talked to, as far as its own settings say
    wants_first: Callable[[Sequence[str], LaunchContext], Sequence[str]] = no_setup_needed
    # finds out what the launch must know; it may take its time
    prepare: Callable[[Sequence[str], LaunchContext], Mapping[str, str]] = no_preparation
    launch: Callable[[Sequence[str], LaunchContext], LaunchPlan] = launch_as_given
    # the command that goes on with an earlier session, if it can
    resumed: Callable[[Sequence[str], str], tuple[str, ...] | None] = no_resume_command
    # how many seconds it bears a tool of the room that waits; 0: its launch tells it of none
    tool_patience_s: int = 0


@dataclass(frozen=True)
class TextInput:
    """What must be done to a text so that the agent only reads it."""

    # makes harmless what would have the agent read a file that a text happens to name; the second argument says
    # whether a word names a member and no file
    guard: Callable[[str, Callable[[str], bool]], str] = leave_unguarded
    # mends an end that would keep the submit key from submitting
    finish: Callable[[str], str] = leave_unchanged
    # a folder, nobody else's, whose files the agent reads without asking its user
    reads_in: Callable[[RunningAgent], Path] = own_attachment_folder


@dataclass(frozen=True)
class InterruptMethod:
    """How a turn is ended."""

    key: bytes = b"\x1b"
    leaves_tools: bool = False  # a tool that runs then goes on


@dataclass(frozen=True)
class Hooks:
    """What its hooks tell of a turn, and what they are answered."""

    fact: Callable[[Mapping[str, object]], TurnFact | None]
    # the answer by which the submit hook refuses a prompt, for a reason
    refuse: Callable[[str], Mapping[str, object]]
    # the exact answer, where the hook that ends a turn and the transcript's last words tell it only together
    answer: Callable[[Mapping[str, object], str], str] | None = None
    signal: Callable[[Mapping[str, object]], str] = hook_signal
    # names the conversation that a hook belongs to
    session: Callable[[Mapping[str, object]], str] = session_of_hook


@dataclass(frozen=True)
class HookApprovals:
    """Questions of which a hook tells."""

    asked: Callable[[Mapping[str, object]], HookQuestion | None]
    # the hook's answer that decides a question: whether it is allowed, by whom, in which words; None: none does
    decide: Callable[[bool, str, str], Mapping[str, object]] | None = None


@dataclass(frozen=True)
class TranscriptFormat:
    """How its record of a conversation is read."""

    line: Callable[[Mapping[str, object]], TurnFact | None]
    cost: Callable[[Mapping[str, object]], TokenCost | None] = no_cost
    # names the conversation that a file holds; "": the file does not tell
    session: Callable[[Path], str] = no_session_name
    # asked until it answers, where neither launch nor hooks name the file
    find: Callable[[RunningAgent], Transcript | None] = no_transcript


@dataclass(frozen=True)
class StatusFormat:
    """A file in which it writes what it is doing."""

    path: Callable[[RunningAgent], Path]
    # its text as evidence; "": it is none
    read: Callable[[str], str] = plain_status


@dataclass(frozen=True)
class Adapter:
    """A vendor's agent: what it is and what it can. What it cannot is None."""

    name: str
    rules: ScreenRules
    launching: LaunchMethod = LaunchMethod()
    submit: SubmitMethod = SubmitMethod()
    text: TextInput = TextInput()
    stash: DraftStash | None = None
    interrupt: InterruptMethod = InterruptMethod()
    hooks: Hooks | None = None
    approvals: HookApprovals | None = None
    transcript: TranscriptFormat | None = None
    status: StatusFormat | None = None
    # a question to the terminal that we answer in its place
    probe: Probe | None = None
    # after so many seconds without output a plain program is taken to wait
    silence: float | None = None
    # puts a prompt into its own form
    skill: Callable[[str, RolePrompt], Skill] | None = None

    @property
    def proves(self) -> bool:
        """Whether something tells that the model got a message, and its answer word for word; only then is that
        answer shared without an order."""
        return self.hooks is not None or self.transcript is not None


def plain_environment(env: Mapping[str, str]) -> dict[str, str]:
    """The child's environment: no token of the team, of a person or of ours, and no way to the person's tmux."""
    return {name: value for name, value in env.items() if not name.startswith(_HIDDEN_VARIABLE_PREFIXES)}


def load_built_in_rules(name: str) -> ScreenRules:
    return load_file(built_in_rules_file(name))


def program_name(command: Sequence[str]) -> str:
    return Path(command[0]).name if command else ""
