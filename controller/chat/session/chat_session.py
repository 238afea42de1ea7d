"""The chat between gateway and screen: what it loads, what it sends, when it rings. Paints nothing."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from controller.chat.actions import command_actions, decision_actions
from controller.chat.actions.action_interface import ActionResult
from controller.chat.actions.pending_question import PendingQuestion, is_yes
from controller.chat.session import mark_loading, send_checks
from controller.chat.session.completion_names import completion_names
from controller.chat.session.pane_interface import NoPaneControl, PaneControl
from controller.chat.session.read_position_reporter import ReadReporter
from controller.chat_commands.command_table import CompletionNames, KeyPress, ParsedCommand, StopRequest, parse_input
from controller.requests.command_requests import send_or_seal
from controller.requests.encryption.known_keys import KnownKeys
from controller.requests.encryption.member_client import can_open_sealed
from controller.view.approvals.question_view import QuestionView
from controller.view.state.chat_state import ChatState
from controller.view.state.draft_target import DraftTarget, aimed
from controller.view.state.read_positions import positions_from_text, text_of_positions
from controller.view.state.stream_entries import Alert, EntryKey
from controller.wording.decision_text import DecisionCard
from controller.wording.key_text import REOPEN_TEXT, UNOPENED_TEXT
from controller.wording.member_state_text import border_text
from controller.wording.proof_text import finding_of
from controller.wording.status_text import StatusContext
from gateway.client import Client, ClientEvent, ConnectionLost, new_id
from gateway.client.paged_requests import complete_welcome, fetch_all_pages
from gateway.client.timeouts import NO_LIMIT_S
from gateway.encryption.member_client.checked_messages import SealingNotice
from gateway.files.private_files import write_private
from gateway.process_basics.monotonic_clock import monotonic_s
from gateway.process_basics.tasks import spawn
from gateway.protocol.errors import BadRequest, GroupChatError, Unavailable, UnknownMessage
from gateway.protocol.events import KeyEvent, Message, Welcome
from gateway.protocol.requests.approval_requests import AnswerAsk, EndedAsks
from gateway.protocol.requests.connection_requests import Ping
from gateway.protocol.requests.message_requests import History, Send
from gateway.protocol.requests.room_requests import Rooms
from gateway.protocol.results import AskList, Done, MessageList, Pong, RoomList
from gateway.protocol.text.addressing import AddressedText, Named
from gateway.protocol.types.core_types import Part

PAGE_MESSAGES = 60
MAX_MENTION_PAGES = 50
MAX_COUNTED_ROOMS = 20
PAGE_ASKS = 200
CHECK_INTERVAL_S = 1.0
PING_INTERVAL_S = 5.0


@dataclass(frozen=True)
class ChatCallbacks:
    """What a chat tells the screen that shows it."""

    changed: Callable[[], None] = lambda: None  # something must be painted
    jumped: Callable[[EntryKey | None], None] = lambda key: None  # the view goes to this entry; None: the newest
    ring: Callable[[Alert], None] = lambda alert: None  # the person should look
    left: Callable[[], None] = lambda: None  # the person leaves
    copied: Callable[[str], Awaitable[bool]] | None = None  # the text goes to the clipboard
    mention: Callable[[], Awaitable[None]] | None = None  # the view goes to the message before that names the person
    follow_event: Callable[[object], None] = lambda event: None  # an event has been taken


@dataclass
class Chat:
    """`callbacks` go to the screen; `clock` measures durations; `key_rows` is the part of the help about keys."""

    client: Client
    state: ChatState
    find_pane_control: Callable[[], Awaitable[PaneControl]]
    callbacks: ChatCallbacks
    memory: Path | None = None
    clock: Callable[[], float] = monotonic_s
    opened: bool = False
    pane_control: PaneControl = field(default_factory=NoPaneControl)
    gave_up: Callable[[], str] = lambda: ""
    advice: str = ""
    key_rows: Sequence[tuple[str, str]] = ()
    about: StatusContext = field(default_factory=StatusContext)
    known_keys: KnownKeys = field(default_factory=KnownKeys)
    key_problems: Sequence[str] = ()  # why this machine's keys stay closed
    confirmation: PendingQuestion | None = None  # what a `y` on the next line carries out
    _meant: dict[str, int] = field(default_factory=dict)
    _loading: bool = False
    _watching: asyncio.Task[None] | None = None
    _told_unsent: bool = False
    _told_unopened: bool = False
    _line: asyncio.Lock = field(default_factory=asyncio.Lock)
    _sent: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.read_reporter = ReadReporter(self.client, self.state)

    # events

    async def run(self) -> None:
        """Show the newest page, then everything that happens."""
        self.state.can_seal = can_open_sealed(self.client)
        self.refresh_keys()
        self.state.take(await self._complete_welcome(self.client.welcome), self.clock())
        for problem in self.key_problems:
            self._warn_of_own_key(f"{problem} {REOPEN_TEXT}")
        self.state.reads = self._remembered()
        self.state.enter(self.state.room)
        await self.jump_to_newest()
        self.state.settle_mark()
        self.opened = True
        self.pane_control = await self.find_pane_control()
        self.state.panes = self.pane_control.panes
        await self.pane_control.mark_ready()
        self._update_borders()
        with contextlib.suppress(GroupChatError):
            await self._count_missed()
        async for event in self.client.events():
            self._take(await self._complete_welcome(event))

    async def _complete_welcome(self, event: ClientEvent) -> ClientEvent:
        """Complete a welcome: from a gateway with many members it holds only the first page of each list."""
        if not isinstance(event, Welcome) or not event.partial:
            return event
        try:
            return await complete_welcome(self.client.request, event)
        except GroupChatError:  # the connection is lost again; the next one brings another welcome
            return event

    def _take(self, event: object) -> None:
        if isinstance(event, ConnectionLost) and (self._watching is None or self._watching.done()):
            self._watching = spawn(self._will_come_back(), "away")
        if isinstance(event, SealingNotice | KeyEvent | Welcome):
            self.refresh_keys()
        if isinstance(event, SealingNotice):
            alert = self.state.note_sealing(event, _now_stamp())
        else:
            alert = self.state.take(event, self.clock())
        if alert is not None:
            self.callbacks.ring(alert)
        self._update_borders()
        self.callbacks.follow_event(event)
        self.callbacks.changed()

    def refresh_keys(self) -> None:
        """Which keys of members this machine knows: another program may have changed that."""
        with contextlib.suppress(GroupChatError, OSError):
            keys = self.known_keys.read()
            if keys is not self.state.keys:
                self.state.keys = keys
                self._note_unopened_key()
                self.callbacks.changed()

    def _note_unopened_key(self) -> None:
        """A key that was made while the chat runs is not used by it, although others seal to it from now on."""
        own = self.state.keys.get(self.state.me)
        is_new = self.opened and own is not None and own.trust.is_usable and not self.state.can_seal
        if is_new and not self.key_problems and not self._told_unopened:
            self._told_unopened = True
            self._warn_of_own_key(UNOPENED_TEXT)

    def _warn_of_own_key(self, text: str) -> None:
        self.state.note_sealing(SealingNotice(text, loud=True, member=self.state.me), _now_stamp())

    async def _will_come_back(self) -> None:
        """Whether the gateway will come back by itself. Checked only while it is away."""
        while self.state.away:
            if sentence := self.gave_up():
                self.state.say(f"{sentence} `groupchat up` starts it.")
                self.callbacks.changed()
                return
            await asyncio.sleep(CHECK_INTERVAL_S)

    def _update_borders(self) -> None:
        away = self.state.away
        self.pane_control.show_borders({one.name: border_text(one, away=away) for one in self.state.agents()})

    async def watch_gateway(self) -> None:
        """Check regularly whether the gateway answers, and at once when something is sent. While it does not, the
        screen counts the seconds."""
        while True:
            await self._ping_gateway()
            self.refresh_keys()
            self._sent.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(PING_INTERVAL_S):
                    await self._sent.wait()

    async def _ping_gateway(self) -> None:
        counting = spawn(self._count_seconds(self.clock()), "silence")
        try:
            await self.client.request(Ping(), Pong, timeout=NO_LIMIT_S)
        finally:
            counting.cancel()
        if self.state.silence is not None:
            self.state.mark_answered(self.clock())
            self.callbacks.changed()

    async def _count_seconds(self, asked_at: float) -> None:
        while True:
            await asyncio.sleep(CHECK_INTERVAL_S)
            self.state.waits(asked_at, self.clock())
            self.callbacks.changed()

    @property
    def remedy(self) -> str:
        return self.pane_control.remedy or self.advice

    # pages

    async def jump_to_newest(self, *, remembered: bool = False) -> None:
        """`remembered`: a page from memory is shown already; it stays where the gateway has the same."""
        room = self.state.room
        page = await self._page(History(room=room, limit=PAGE_MESSAGES))
        if room != self.state.room:  # the person entered another room meanwhile, which loads its own
            return
        known = self.state.pages.keep(room, page.messages, more=page.more)
        if not (remembered and known):
            self.state.show(page.messages, more_before=page.more, at_tail=True)
            self.callbacks.jumped(None)
            self.callbacks.changed()
        await self._load_earlier_asks(self.state.stream.oldest() if page.more else 0, None)
        await mark_loading.load_pins(self.client, self.state, room)
        await self._load_marks(page.messages)

    async def load_older(self) -> None:
        oldest = self.state.stream.oldest()
        if not self.state.has_page and not self._loading:  # the room was entered while the gateway did not answer
            with self._busy_loading():
                await self.jump_to_newest()
            return
        if oldest is None or not self.state.stream.more_before or self._loading:
            return
        with self._busy_loading():
            page = await self._page(History(room=self.state.room, before=oldest, limit=PAGE_MESSAGES))
            if oldest == self.state.stream.oldest():
                self.state.older(page.messages, more=page.more)
                await self._load_earlier_asks(self.state.stream.oldest() if page.more else 0, oldest)
                await self._load_marks(page.messages)

    async def load_newer(self) -> None:
        newest = self.state.stream.newest()
        if newest is None or self.state.stream.at_tail or self._loading:
            return
        with self._busy_loading():
            page = await self._page(History(room=self.state.room, after=newest, limit=PAGE_MESSAGES))
            if newest == self.state.stream.newest():
                self.state.newer(page.messages, more=page.more)
                await self._load_earlier_asks(newest, self.state.stream.newest() if page.more else None)
                await self._load_marks(page.messages)

    @contextlib.contextmanager
    def _busy_loading(self) -> Iterator[None]:
        self._loading = True
        try:
            yield
        finally:
            self._loading = False
            self.callbacks.changed()

    async def go_to(self, seq: int) -> None:
        """The page around a message; 0 is the beginning."""
        if self.state.stream.message(seq) is None:
            room = self.state.room
            after = await self._page(History(room=room, after=max(0, seq - 1), limit=PAGE_MESSAGES))
            before = await self._page(History(room=room, before=seq, limit=PAGE_MESSAGES)) if seq else None
            if room != self.state.room:
                return
            if not after.messages and not (before and before.messages):
                raise UnknownMessage(f"There is no message {seq} in {self.state.room}.")
            messages = [*(before.messages if before else ()), *after.messages]
            more = bool(before and before.more)
            self.state.show(messages, more_before=more, at_tail=not after.more)
            await self._load_earlier_asks(
                self.state.stream.oldest() if more else 0, self.state.stream.newest() if after.more else None
            )
            await self._load_marks(messages)
        self.callbacks.jumped((seq, 0))
        self.callbacks.changed()

    async def jump_to_mention(self, above: int) -> EntryKey | None:
        """Search the loaded messages, then older pages."""
        key = self.state.mention_before(above)
        for _ in range(MAX_MENTION_PAGES):
            if key is not None or not self.state.stream.more_before:
                break
            await self.load_older()
            key = self.state.mention_before(above)
        if key is not None:
            self.callbacks.jumped(key)
            self.callbacks.changed()
        return key

    async def enter(self, room: str) -> None:
        self.state.enter(room)
        self.state.target = None
        if remembered := self.state.show_remembered():  # painted before the gateway is asked
            self.state.settle_mark()
            self.callbacks.jumped(None)
            self.callbacks.changed()
        await self.jump_to_newest(remembered=remembered)
        if room == self.state.room:
            self.state.settle_mark()
        with contextlib.suppress(GroupChatError), self.state.noting_events() as meanwhile:
            found = await fetch_all_pages(self.client.request, Rooms(), RoomList)
            self.state.restore_rooms(found.rooms, meanwhile)
        self.callbacks.changed()

    async def _count_missed(self) -> None:
        """Count what was said in the other rooms since this person read there, as far as one page tells."""
        state = self.state
        rooms = [room for room in state.own_rooms() if room != state.room and room in state.reads][:MAX_COUNTED_ROOMS]
        requests = (History(room=room, after=state.reads[room], limit=PAGE_MESSAGES) for room in rooms)
        for room, page in zip(rooms, await asyncio.gather(*map(self._page, requests)), strict=True):
            state.count_missed(room, page.messages)
        self.callbacks.changed()

    def is_private(self, text: str) -> bool:
        """Whether a line holds what is sealed, and so must not be kept in a file in plain text."""
        target = self.state.target
        answers = target is not None and finding_of(target.message).was_sealed
        return self.state.is_sealed(self.state.room) or answers or text.lstrip().lower().startswith("/seal")

    async def _page(self, request: History) -> MessageList:
        return await self.client.request(request, MessageList)

    async def _load_earlier_asks(self, after: int | None, before: int | None) -> None:
        """Load the questions of agents between these messages, and who answered them. An older gateway has no such
        list."""
        request = EndedAsks(after=after or 0, before=before, limit=PAGE_ASKS)
        with contextlib.suppress(GroupChatError):
            self.state.restore_asks((await self.client.request(request, AskList)).asks)
            self.callbacks.changed()

    async def _load_marks(self, messages: Sequence[Message]) -> None:
        """The reactions to the messages of a page, and how far one's own have come; later steps arrive as events."""
        await mark_loading.load_reactions(self.client, self.state, messages)
        self.callbacks.changed()
        await mark_loading.load_deliveries(self.client, self.state, messages)
        self.callbacks.changed()

    # sending

    def check(self, text: str) -> str:
        """Raise an error for what cannot be sent; return a warning for what should be read twice, else
        an empty text."""
        if self.confirmation is not None and is_yes(text):
            return ""
        line = parse_input(text)
        if not isinstance(line, AddressedText):
            return ""
        if not line.text.strip():
            raise BadRequest("There is no message to send.")
        line = aimed(line, self.state.target, self.state.me)
        send_checks.check_recipients(line, self.state.members, self.state.me)
        return send_checks.absent_recipients_warning(line, self.state.members, self.state.me)

    async def submit(self, text: str) -> ActionResult:
        asked, self.confirmation = self.confirmation, None
        if asked is not None and is_yes(text):
            return await asked.carry_out()
        line = parse_input(text)
        if isinstance(line, ParsedCommand):
            return await command_actions.run_command(self, line)
        if isinstance(line, KeyPress):
            return await command_actions.press_keys_of(self, line)
        if isinstance(line, StopRequest):
            return await command_actions.send_stop(self, line)
        await self._send(line, text)
        return None

    async def say(self, said: AddressedText, line: str, parts: tuple[Part, ...]) -> None:
        """Send a message with its parts. An unknown recipient is refused, as in any message."""
        send_checks.check_recipients(said, self.state.members, self.state.me)
        await self._send(said, line, parts)

    def trust_key(self, name: str, fingerprint: str) -> None:
        """The person has compared this fingerprint, outside of the chat."""
        self.known_keys.trust(name, fingerprint)

    async def say_sealed(self, said: AddressedText, line: str) -> None:
        """Say something that only the machines of those named can read."""
        send_checks.check_recipients(said, self.state.members, self.state.me)
        await self._send(said, line, sealed=True)

    async def say_in_public(self, said: AddressedText, line: str, wakes: tuple[str, ...]) -> None:
        """Say something to some members in front of everyone in the room. Only they are woken."""
        send_checks.check_recipients(
            AddressedText(tuple(map(Named, wakes)), said.text), self.state.members, self.state.me
        )
        await self._send(said, line, wakes=wakes)

    async def _send(
        self,
        said: AddressedText,
        line: str,
        parts: tuple[Part, ...] = (),
        wakes: tuple[str, ...] = (),
        *,
        sealed: bool = False,
    ) -> None:
        """Show the message at once, and send it. Messages are sent in order, across lost connections."""
        message_id, target = new_id(), self.state.target
        said, self.state.target = said if wakes else aimed(said, target, self.state.me), None
        if target is not None and not said.to:
            wakes = wakes or target.wakes
        request = msgspec.structs.replace(_send_request(said, self.state.room, message_id, parts, target), wakes=wakes)
        self.state.post(message_id, said, line, _now_stamp(), wakes)
        self.callbacks.jumped(None)
        self.callbacks.changed()
        self._sent.set()
        try:
            async with self._line:
                done = await send_or_seal(self.client, request, sealed=sealed, timeout=NO_LIMIT_S)
        except Exception as error:
            self.state.mark_refused(message_id, error_text(error))
            if self.state.room == request.room:
                self.state.target = self.state.target or target
            raise
        finally:
            self.callbacks.changed()
        self.state.mark_accepted(message_id, done.seq)
        self.callbacks.changed()
        if not self.state.stream.at_tail:
            await self.jump_to_newest()

    def take_back(self, line: str) -> None:
        """Put an unsent line back into the composer."""
        self.state.take_back(line)
        self.callbacks.changed()

    def begin_line(self) -> None:
        """Remember which questions are open when the person begins a line: an answer on it means one of these."""
        self._meant = {one.member: one.number for one in reversed(self.state.open_asks())}

    async def answer(self, name: str, answer: str, words: str = "") -> str:
        """Answer the oldest open question of this agent, if it was already open when the line was begun."""
        ask = next((one for one in self.state.open_asks() if one.member == name), None)
        if ask is None:
            raise BadRequest(f"{name} has no open question.")
        if self._meant.get(name, ask.number) != ask.number:
            self.begin_line()
            raise BadRequest(f"{name} has another question now. Read it; Enter sends your answer to it.")
        return await self.answer_ask(ask, answer, words)

    async def answer_ask(self, ask: QuestionView, answer: str, words: str = "") -> str:
        """Answer a question. The gateway refuses if the dialog has changed meanwhile; the result is announced in the
        room."""
        if words and not ask.words:
            raise BadRequest(f"This question cannot be refused with words: `/deny {ask.member}` refuses it.")
        request = AnswerAsk(member=ask.member, answer=answer, digest=ask.digest or None, words=words)
        await self.client.request(request, Done)
        return f"Your answer goes to {ask.member}."

    async def answer_card(self, card: QuestionView | DecisionCard, answer: str) -> str:
        if isinstance(card, DecisionCard):
            return await decision_actions.answer_card(self.client, card, answer)
        return await self.answer_ask(card, answer)

    async def restart(self, name: str) -> str | None:
        return await self.pane_control.restart(name)

    async def show_pane(self, name: str) -> str:
        """Show an agent's pane in full size."""
        await self.pane_control.show(name)
        return f"{name}'s pane is shown."

    async def make_large(self) -> str:
        """Make the chat as large as its window, and back."""
        return await self.pane_control.make_large()

    async def leave(self) -> None:
        """Leave. With unsent messages, leaving must be repeated; in a session the chat keeps running,
        and sends them."""
        self.remember()
        if await self.pane_control.leave():
            return
        unsent = len(self.state.outbox.unsent)
        if unsent and not self._told_unsent:
            self._told_unsent = True
            raise Unavailable(f"{unsent} unsent. Leave once more to discard; the Up key restores it next time.")
        self.callbacks.left()

    async def copy_text(self, text: str) -> bool:
        return self.callbacks.copied is not None and await self.callbacks.copied(text)

    async def go_to_mention(self) -> None:
        if self.callbacks.mention is not None:
            await self.callbacks.mention()

    def known(self) -> CompletionNames:
        return completion_names(self.state)

    # the read position

    def remember(self) -> None:
        if self.memory is not None and self.state.reads:
            with contextlib.suppress(OSError):
                write_private(self.memory, text_of_positions(self.state.reads))

    def _remembered(self) -> dict[str, int]:
        try:
            return positions_from_text(self.memory.read_text()) if self.memory is not None else {}
        except (OSError, ValueError):
            return {}


def _send_request(
    said: AddressedText, room: str, message_id: str, parts: tuple[Part, ...], target: DraftTarget | None
) -> Send:
    request = Send(
        content=said.text,
        to=tuple(str(one) for one in said.to),
        room=room,
        urgent=said.urgent,
        interrupt=said.interrupt,
        id=message_id,
        parts=parts,
    )
    if target is None:
        return request
    return msgspec.structs.replace(
        request, parts=(*target.parts, *parts), reply_to=target.reply_to, replaces=target.replaces
    )


def _now_stamp() -> str:
    return datetime.now(UTC).isoformat()


def error_text(error: Exception) -> str:
    return error.message if isinstance(error, GroupChatError) else str(error)
