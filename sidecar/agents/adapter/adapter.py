"""What an adapter provides, as values and functions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from gateway.protocol.text.role_prompts import RolePrompt
from gateway.protocol.types.core_types import AskAbout
from sidecar.agents.adapter.tool_call_effects import ToolReader, no_tool_use
from sidecar.evidence.escape_sequences import Probe
from sidecar.evidence.turn_evidence import TokenCost, TurnFact
from sidecar.screen.rules import ScreenRules
from sidecar.screen.rules_loader import built_in_rules_file, load_own_file


@dataclass(frozen=True)
class SubmitMethod:
    """How a message is submitted."""

    pause: float = 0.15  # minimum seconds from the last byte of a paste to the submit key
    shown: float = 0.02  # minimum seconds after the composer shows it
    key: bytes = b"\r"
    echoes: bool = True
    collapses_from: tuple[int, int] = (10**9, 10**9)  # characters, lines from which a paste may show as a placeholder
    begins_within: float = 1.0  # seconds from the submit key until the agent shows that it works


@dataclass(frozen=True)
class DraftStash:
    """How a person's draft is kept while a message is typed."""

    put: bytes  # removes the draft from the composer
    back: bytes = b""  # restores it after a submit; empty: the agent does it by itself; PASTE_KEY: we paste it
    undo: bytes = b""  # restores it if nothing was submitted
    rows: int = 1  # a draft of more rows may not be restored


PASTE_KEY = b"paste"
CLEAR_ROW = b"\x15"  # clears a row of any composer
ATTACHED_FOLDER = "attached"
_HIDDEN_VARIABLE_PREFIXES = ("CSP_", "GROUPCHAT_", "TMUX")


@dataclass(frozen=True)
class HookQuestion:
    """What a hook reports about a question, before or while it is on the screen."""

    tool: str
    detail: str = ""  # the whole command, path or change, as `about` says
    decides: bool = False  # the hook's answer decides, and the hook waits for it
    about: AskAbout = AskAbout.TEXT
    question: str = ""  # used if the dialog's own words cannot be read
    words: bool = False  # a denial can include words for the model
    complete: bool = False  # while the hook waits, its yes and no are all that can be answered from here
    texts: tuple[str, ...] = ()  # texts that the dialog may show
    turn: str = ""  # the vendor's id of the turn, or of the session
    tentative: bool = False  # the agent may decide it by itself: nobody is asked until it is seen to ask


@dataclass(frozen=True)
class LaunchContext:
    """The folders, addresses and environment of a run."""

    project: Path  # the user's project folder
    private: Path  # the sidecar's own folder
    hooks: str  # the address for hooks
    session: str  # an id for a new conversation
    env: Mapping[str, str]
    known: Mapping[str, str] = field(default_factory=dict)  # what the adapter's `prepare` found out
    tools: str = ""  # the address of the room's MCP tools, if there are any
    key: str = ""  # the key for the tools


@dataclass(frozen=True)
class RunningAgent:
    """A running agent: its launch context, its process (which leads its group), and its start in wall time."""

    place: LaunchContext
    pid: int
    started: float


@dataclass(frozen=True)
class Transcript:
    """The file in which the vendor writes the conversation, or a folder with its parts. `fresh`: all of it belongs to
    this run; otherwise what it holds now was written by an earlier run."""

    path: Path
    fresh: bool


@dataclass(frozen=True)
class LaunchPlan:
    """`session` is the vendor's id of the conversation, if it is known before the agent runs."""

    command: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[Path, str] = field(default_factory=dict)
    transcript: Path | None = None
    session: str = ""


@dataclass(frozen=True)
class Skill:
    """A prompt in the vendor's own form. `path` is relative to a project's folder or to a home."""

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


def nobody_can_tell(session: str, place: LaunchContext) -> bool | None:
    return None


def leave_unchanged(text: str) -> str:
    return text


def leave_unguarded(text: str, is_name: Callable[[str], bool]) -> str:
    return text


def own_attachment_folder(child: RunningAgent) -> Path:
    return child.place.private / ATTACHED_FOLDER


def hook_signal(event: Mapping[str, object]) -> str:
    """A hook as evidence of the agent's activity, as text for the rules."""
    return " ".join(str(event[key]) for key in ("hook_event_name", "notification_type") if event.get(key))


def session_of_hook(event: Mapping[str, object]) -> str:
    """What is no text is of a form that we do not know."""
    return named if isinstance(named := event.get("session_id"), str) else ""


def transcript_of_hook(event: Mapping[str, object]) -> Path | None:
    return Path(named) if isinstance(named := event.get("transcript_path"), str) and named else None


def no_cost(_: Mapping[str, object]) -> TokenCost | None:
    return None


def no_session_name(_: Path) -> str:
    return ""


def no_transcript(_: RunningAgent) -> Transcript | None:
    return None


def same_transcript(current: Path, _: str) -> Path:
    return current


def is_nowhere_else(_: Path) -> Path | None:
    return None


def plain_status(text: str) -> str:
    return text.strip()


@dataclass(frozen=True)
class LaunchMethod:
    """How the vendor's command is recognised, started, and resumed with an earlier conversation."""

    is_for: Callable[[Sequence[str]], bool] = never_for_command
    # what a person must do before the agent can be used, according to its own settings
    wants_first: Callable[[Sequence[str], LaunchContext], Sequence[str]] = no_setup_needed
    # finds out what the launch must know; may take long
    prepare: Callable[[Sequence[str], LaunchContext], Mapping[str, str]] = no_preparation
    launch: Callable[[Sequence[str], LaunchContext], LaunchPlan] = launch_as_given
    # the command that continues an earlier session, if the vendor can
    resumed: Callable[[Sequence[str], str], tuple[str, ...] | None] = no_resume_command
    # whether the vendor has turns of this session on disk, where it looks when it resumes one in this place; None:
    # nobody can tell
    is_written: Callable[[str, LaunchContext], bool | None] = nobody_can_tell
    # the maximum seconds that a tool may wait; 0: the agent gets no tools
    tool_patience_s: int = 0
    # what starts it if nobody gives a command
    command: tuple[str, ...] = ()


@dataclass(frozen=True)
class TextInput:
    """How to change a text so that the agent only reads it."""

    # escapes words that would make the agent read a file; the second argument says
    # whether a word names a member and no file
    guard: Callable[[str, Callable[[str], bool]], str] = leave_unguarded
    # changes an ending that would keep the submit key from submitting
    finish: Callable[[str], str] = leave_unchanged
    # a private folder whose files the agent reads without asking its user
    reads_in: Callable[[RunningAgent], Path] = own_attachment_folder


@dataclass(frozen=True)
class InterruptMethod:
    """How to end a turn."""

    key: bytes = b"\x1b"
    leaves_tools: bool = False  # a running tool is not ended with the turn
    interval_s: float = 0.0  # seconds in which a second key would do something else, such as end the agent
    only_refuses: bool = False  # in a dialog the key is a No, after which the turn goes on


@dataclass(frozen=True)
class Hooks:
    """What the vendor's hooks report about a turn, and how they are answered."""

    fact: Callable[[Mapping[str, object]], TurnFact | None]
    # the hook answer that refuses a prompt, for this reason
    refuse: Callable[[str], Mapping[str, object]]
    # the exact answer, if it takes both the hook that ends a turn and the transcript's last text
    answer: Callable[[Mapping[str, object], str], str] | None = None
    signal: Callable[[Mapping[str, object]], str] = hook_signal
    # the id of the conversation that a hook belongs to
    session: Callable[[Mapping[str, object]], str] = session_of_hook
    # the transcript of that conversation, if the hook names it
    transcript: Callable[[Mapping[str, object]], Path | None] = transcript_of_hook
    # how long it may look calm, in seconds, before its hooks tell how a turn ended; then the turn had no answer
    ends_within: float = 1.0
    # which tool the agent uses, on which files; such a hook is answered at once and is no evidence of anything else
    tool: ToolReader = no_tool_use


@dataclass(frozen=True)
class HookApprovals:
    """The questions that hooks report."""

    asked: Callable[[Mapping[str, object]], HookQuestion | None]
    # the hook answer that decides a question: allowed or not, by whom, with which words; None: no hook decides
    decide: Callable[[bool, str, str], Mapping[str, object]] | None = None


@dataclass(frozen=True)
class TranscriptFormat:
    """How to read the vendor's transcript of a conversation."""

    line: Callable[[Mapping[str, object]], TurnFact | None]
    cost: Callable[[Mapping[str, object]], TokenCost | None] = no_cost
    # the id of the conversation in a file; "": the file does not contain it
    session: Callable[[Path], str] = no_session_name
    # called until it finds the file, if neither launch nor hooks name it
    find: Callable[[RunningAgent], Transcript | None] = no_transcript
    # which tool the agent uses, for an agent without hooks
    tool: ToolReader = no_tool_use
    # the file of another conversation, from the current one and its id, if the hooks name only the id
    of_session: Callable[[Path, str], Path] = same_transcript
    # where the file is that a launch has named, if it does not appear there
    moved: Callable[[Path], Path | None] = is_nowhere_else
    # the entries of a file that is one document and is written anew for each of them; each has an `id`. None: its
    # lines are its entries
    entries: Callable[[bytes], Sequence[Mapping[str, object]]] | None = None
    # the folder in which a file appears for each conversation; `find` is called again when it has changed
    conversations_in: Callable[[RunningAgent], Path] | None = None


@dataclass(frozen=True)
class StatusFormat:
    """A file in which the agent writes its state."""

    path: Callable[[RunningAgent], Path | None]
    # its text as evidence; "": no evidence
    read: Callable[[str], str] = plain_status
    # the folder in which a file appears for each conversation; `path` is called again when it has changed
    conversations_in: Callable[[RunningAgent], Path] | None = None
    # seconds between two looks at whether it has changed while the agent does not rest; 0: it claims nothing then
    look_interval_s: float = 0.0


@dataclass(frozen=True)
class Adapter:
    """A vendor's agent and its abilities. An ability that it lacks is None."""

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
    # a terminal query that we answer in the terminal's place
    probe: Probe | None = None
    # a plain program counts as waiting after this many seconds without output
    silence: float | None = None
    # the envelope that its rules file wants; "": the default one, which BARE is not
    envelope: str = ""
    # converts a prompt to the vendor's own form
    skill: Callable[[str, RolePrompt], Skill] | None = None

    @property
    def proves(self) -> bool:
        """Whether hooks or a transcript prove that the model got a message, and report its answer word for word. Only
        then is the answer shared without an order."""
        return self.hooks is not None or self.transcript is not None


def plain_environment(env: Mapping[str, str]) -> dict[str, str]:
    """The child's environment: no token of the team, of a person or of ours, and no way to the person's tmux."""
    return {name: value for name, value in env.items() if not name.startswith(_HIDDEN_VARIABLE_PREFIXES)}


def load_built_in_rules(name: str) -> ScreenRules:
    return load_own_file(built_in_rules_file(name))


def program_name(command: Sequence[str]) -> str:
    return Path(command[0]).name if command else ""
