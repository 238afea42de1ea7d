"""Requests about what an agent does: pause it, stop it, press its keys, restart it, watch its terminal, and what it
reports of itself."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from gateway.protocol.requests.request import (
    Addresses,
    Digest,
    Limit,
    Request,
    Seq,
    ShortText,
)
from gateway.protocol.types.agent_conditions import Condition
from gateway.protocol.types.agent_work import MAX_FILE_WRITES, FileWrite, UnseenResult, Work
from gateway.protocol.types.conversation_starts import ConversationStart
from gateway.protocol.types.core_types import (
    Activity,
    Composer,
    Prose,
)
from gateway.protocol.types.terminal_types import ChangedRows, Columns, Cursor, Height

MAX_PARTIAL_TEXT_CHARS = 16_000


class SetActivity(Request, frozen=True, tag="activity"):
    """Report what you are doing. This is a snapshot and is not kept in the log."""

    activity: Activity
    composer: Composer = Composer.UNKNOWN
    note: ShortText = ""


class SetCondition(Request, frozen=True, tag="condition"):
    """Report what keeps you from working, such as a usage limit; without a `condition`, nothing does. It is not kept in
    the log, but a new limit is told to your room once."""

    condition: Condition | None = None


class SetConversation(Request, frozen=True, tag="conversation"):
    """Report how your present run began: in a new conversation with your model, or in an earlier one, which began at
    `since`. With `announce`, a room of yours is told that you came back to it, or `why` you could not. `session` is
    your program's own id of the conversation. This is not kept in the log."""

    start: ConversationStart
    since: Annotated[str, Meta(max_length=40)] = ""
    session: Annotated[str, Meta(max_length=100)] = ""
    why: ShortText = ""
    announce: bool = False


class SetWork(Request, frozen=True, tag="work"):
    """Report what you are at: folder, branch, tool, file and tokens; and whether the result of your last turn has not
    been looked at in your terminal. It is not kept in the log."""

    work: Work
    unseen: UnseenResult = UnseenResult.NOTHING


class ReportWrites(Request, frozen=True, tag="wrote"):
    """Report the files that you have written. Where another agent has written one of them lately, both are told, and
    the people. What you report is not kept."""

    files: Annotated[tuple[FileWrite, ...], Meta(min_length=1, max_length=MAX_FILE_WRITES)]


class Pause(Request, frozen=True, tag="pause"):
    """Hold the messages for a member (default: all agents) until `resume`. Urgent messages are still delivered."""

    member: str | None = None


class Resume(Request, frozen=True, tag="resume"):
    """End a pause and deliver the held messages in order."""

    member: str | None = None


class Continue(Request, frozen=True, tag="continue"):
    """Lift the loop guard in one room (default: all rooms you can see), for one agent (default: all agents), and
    deliver the messages that it held back."""

    member: str | None = None
    room: str | None = None


class Keys(Request, frozen=True, tag="keys"):
    """Press named keys in a member's terminal, such as `^C` or `esc`."""

    member: str
    keys: Annotated[str, Meta(min_length=1, max_length=100)]


class Stop(Request, frozen=True, tag="stop"):
    """Stop a member's current work at once by pressing its interrupt key (default: every busy agent). An idle agent is
    left alone. Messages that wait for the agent are delivered next."""

    member: str | None = None


class Share(Request, frozen=True, tag="share"):
    """Set which of a member's answers are posted to the room: `all`, `replies` or `none`."""

    member: str
    policy: str


class Restart(Request, frozen=True, tag="restart"):
    """Restart a member's agent."""

    member: str


class WatchTerminal(Request, frozen=True, tag="terminal.watch"):
    """Watch an agent's terminal: its screen comes as events `terminal` on this WebSocket, first as a whole, then the
    changed rows. It ends with `terminal.unwatch` or with the connection. Watching never changes the terminal."""

    member: str


class UnwatchTerminal(Request, frozen=True, tag="terminal.unwatch"):
    """Stop watching an agent's terminal on this WebSocket."""

    member: str


class WhySilent(Request, frozen=True, tag="why"):
    """Say why an agent is silent, and what helps (default: each agent). With `shell`, commands are named as in a shell,
    otherwise as in the chat."""

    member: str | None = None
    shell: bool = False


class Timeline(Request, frozen=True, tag="timeline"):
    """List what an agent has done and what has happened to it, newest first: messages, receipts, questions, orders, and
    its recent activities."""

    member: str
    before: Seq | None = None
    limit: Limit = 100


class SetFolder(Request, frozen=True, tag="folder"):
    """Report the folder in which you work, as a sidecar does. It is not kept in the log."""

    folder: ShortText


class PressTerminalKey(Request, frozen=True, tag="terminal.key"):
    """Press one named key in an agent's terminal, such as `esc`, `up`, `enter` or `^C`. It is refused while a person
    types there, and while a dialog is open, unless `digest` names that dialog's question."""

    member: str
    key: Annotated[str, Meta(min_length=1, max_length=20)]
    digest: Digest | None = None


class ShowTerminal(Request, frozen=True, tag="terminal.show"):
    """Show your own terminal to those who watch it, as a sidecar does while the gateway says that somebody does. With
    `whole`, rows that are not listed are blank; without it, they are as before. Without a `cursor` it is hidden."""

    columns: Columns
    rows: Height
    changed: ChangedRows = ()
    cursor: Cursor | None = None
    whole: bool = False


class ShowPartialText(Request, frozen=True, tag="partial"):
    """Show what you have said so far of a message that is not finished to those who will read it: everyone in `room`,
    or the members in `to`. `text` continues at the character `at`; at 0 it begins anew. `ended`: the message has been
    sent, or never will be. What you show is not kept and wakes nobody."""

    text: Annotated[Prose, Meta(max_length=MAX_PARTIAL_TEXT_CHARS)] = ""
    at: Annotated[int, Meta(ge=0, le=10_000_000)] = 0
    room: str | None = None
    to: Addresses = ()
    reply_to: Seq | None = None
    ended: bool = False
