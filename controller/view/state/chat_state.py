"""The state of the chat: events in, a stream of entries and a roster out. Pure: time comes with the events."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import msgspec

from controller.view.approvals.question_view import QuestionView
from controller.view.state.draft_target import DraftTarget
from controller.view.state.gateway_outage import Outage, begin_outage, extend_outage, outage_over_line
from controller.view.state.message_marks import MessageMarks
from controller.view.state.room_list import rooms_after, rooms_of
from controller.view.state.room_message_cache import RoomMessageCache
from controller.view.state.stream_entries import (
    Alert,
    EntryKey,
    Notice,
    Tone,
    member_notice,
    mentions,
    room_change_line,
)
from controller.view.state.stream_window import StreamWindow
from controller.view.state.unfinished_texts import UnfinishedTexts
from controller.view.state.unsent_messages import Outbox, SendStage
from controller.view.styles.name_styles import NameStyles
from controller.wording.decision_text import DecisionCard, event_line, has_open_vote, tally_line
from controller.wording.key_text import MemberKey
from controller.wording.proof_text import finding_of, has_no_text, is_wrong
from gateway.client import ConnectionLost
from gateway.encryption.member_client.checked_messages import SealingNotice
from gateway.protocol.events import (
    AskEvent,
    ContextEvent,
    DecisionEvent,
    MemberAction,
    MemberEvent,
    MemberView,
    Message,
    MuteEvent,
    PresenceChanged,
    Receipt,
    Replayed,
    RoomEvent,
    SessionEvent,
    Welcome,
)
from gateway.protocol.text import printable_text
from gateway.protocol.text.addressing import AddressedText
from gateway.protocol.types.core_types import (
    DEFAULT_ROOM,
    SYSTEM_NAME,
    Ask,
    ContextAction,
    Delivery,
    FloorView,
    MemberKind,
    MessageKind,
    Presence,
    Room,
    Rung,
    Step,
)
from gateway.protocol.types.decision_types import Decision
from gateway.protocol.types.session_types import SessionAction

MAX_RECENT = 500  # messages that came while the newest page was loading
MAX_KEPT_NOTICES = 200  # lines of the shown room that are no messages, since it was entered
MAX_KEPT_ASKS = 1000
MAX_REASON_CHARS = 300
MAX_KEPT_WARNINGS = 50
LAST_KEY = 1 << 60  # the key of entries without a number: after every message
UNFINISHED_KEY = 1 << 59  # of those that members have begun: before this person's own


@dataclass
class ChatState:
    me: str
    room: str = DEFAULT_ROOM
    members: dict[str, MemberView] = field(default_factory=dict)
    rooms: dict[str, Room] = field(default_factory=dict)
    floors: dict[str, FloorView] = field(default_factory=dict)
    stream: StreamWindow = field(default_factory=StreamWindow)
    ladders: dict[int, dict[str, Step]] = field(default_factory=dict)
    asks: dict[int, QuestionView] = field(default_factory=dict)
    decisions: dict[int, DecisionCard] = field(default_factory=dict)
    votes: dict[int, Decision] = field(default_factory=dict)  # open ones, by the message that asks
    kind: MemberKind = MemberKind.HUMAN
    observer: bool = False  # whether the person reads all direct messages
    panes: bool = False
    rings_for_all: bool = False
    unread: dict[str, int] = field(default_factory=dict)
    muted: frozenset[str] = frozenset()
    reads: dict[str, int] = field(default_factory=dict)  # the last message that was read, by room
    mark: int | None = None  # the last message that was read when the shown room was entered
    below: int = 0  # others' messages that came while the newest was not in sight
    last_seq: int = 0
    silence: Outage | None = None
    heard_at: float = 0.0
    come_to: int = -1  # the number up to which all events have come
    outbox: Outbox = field(default_factory=Outbox)
    unfinished: UnfinishedTexts = field(default_factory=UnfinishedTexts)
    names: NameStyles = field(default_factory=NameStyles)
    marks: MessageMarks = field(default_factory=MessageMarks)
    pages: RoomMessageCache = field(default_factory=RoomMessageCache)
    target: DraftTarget | None = None  # what the next message is for
    keys: dict[str, MemberKey] = field(default_factory=dict)  # of members, as this machine knows them
    can_seal: bool = False  # whether this machine has an open key of this person
    warnings: list[tuple[EntryKey, str, Notice]] = field(default_factory=list)  # about keys; they stay, by room
    _recent: deque[Message] = field(default_factory=lambda: deque(maxlen=MAX_RECENT))
    _notices: deque[tuple[EntryKey, Notice]] = field(default_factory=lambda: deque(maxlen=MAX_KEPT_NOTICES))
    _meanwhile: list[list[object]] = field(default_factory=list)  # events, for each answer that is waited for
    _counted: dict[str, int] = field(default_factory=dict)  # the last message that `count_missed` counted, by room
    _local: int = 0
    has_page: bool = True  # whether a page of the shown room has come

    # events

    def take(self, event: object, now: float) -> Alert | None:
        """Apply one event; return what should ring."""
        self.last_seq = max(self.last_seq, getattr(event, "seq", 0))
        for events in self._meanwhile:
            events.append(event)
        if not isinstance(event, ConnectionLost):
            self.heard_at = now
        ring = self._fold(event, now)
        if (marked := self.marks.take(event)) is not None:
            self.redraw((marked,))
        self._note_events_to_come(event)
        if self.unfinished.take(event):
            self._show_last()
        return ring

    @contextmanager
    def noting_events(self) -> Iterator[list[object]]:
        """The events that come while an answer is waited for. The gateway may have read what it answers before them."""
        events: list[object] = []
        self._meanwhile.append(events)
        try:
            yield events
        finally:
            self._meanwhile = [one for one in self._meanwhile if one is not events]

    def _note_events_to_come(self, event: object) -> None:
        """Note up to which number events have arrived. A welcome names numbers whose events may still come, except the
        first welcome: everything before it is history."""
        first = event.last_seq if isinstance(event, Welcome) and self.come_to < 0 else -1
        replayed = event.until if isinstance(event, Replayed) else -1
        self.come_to = max(self.come_to, first, replayed, getattr(event, "seq", -1))
        if self.outbox.waiting:
            self._update(self.outbox.drop_passed(self.come_to))

    def _fold(self, event: object, now: float) -> Alert | None:
        match event:
            case Message():
                return self._said(event)
            case Receipt():
                self._receipt(event)
            case AskEvent():
                return self.ask(QuestionView.of(event.ask), again=event.waited > 0)
            case DecisionEvent() | SessionEvent():
                return self._decision_event(event)
            case PresenceChanged(member=member):
                self._seen(member)
            case MemberEvent() | RoomEvent() | ContextEvent() | MuteEvent():
                self._happened(event)
            case ConnectionLost() | Welcome():
                self._connection(event, now)
        return None

    def _happened(self, event: MemberEvent | RoomEvent | ContextEvent | MuteEvent) -> None:
        match event:
            case MemberEvent():
                self._member(event)
            case RoomEvent():
                self._room_event(event)
            case ContextEvent():
                self._context(event)
            case MuteEvent():
                self._muted(event)

    def _connection(self, event: ConnectionLost | Welcome, now: float) -> None:
        if isinstance(event, ConnectionLost):
            self.pages.forget()
            self.silence = begin_outage(self.silence, now)
        else:
            self._welcome(event, now)

    def _seen(self, member: MemberView) -> None:
        """Update a member. One that has left is announced once more, and can no longer be addressed."""
        if member.presence is Presence.OFFLINE:
            self.members.pop(member.name, None)
        else:
            self.members[member.name] = member

    def _said(self, message: Message) -> Alert | None:
        if message.from_ == self.me:
            self._own_message(message)
            ladder = self.ladders[message.seq]
            for member in message.deliveries:
                ladder.setdefault(member, Step(Rung.QUEUED, message.timestamp))
        self.pages.note(message)
        if message.room != self.room:
            self._count_unread(message)
        else:
            self.below += message.from_ != self.me
            self._recent.append(message)
            if self.stream.at_tail:
                self.stream.put((message.seq, 0), message)
                self.stream.forget_oldest()
        rings = self._rings_for(message) and message.room not in self.muted
        return _alert_of(message) if rings or is_wrong(message) else None

    def _rings_for(self, message: Message) -> bool:
        """With `rings_for_all`, every message of another member rings, not only one for this person."""
        by_other = message.from_ not in (self.me, SYSTEM_NAME) and message.kind is not MessageKind.SYSTEM
        return self.is_for_me(message) or (self.rings_for_all and by_other)

    def _count_unread(self, message: Message) -> None:
        """Own words are not unread, also when they were sent from another terminal."""
        if message.from_ == self.me or message.seq <= self._counted.get(message.room, 0):
            return
        self.reads.setdefault(message.room, message.seq - 1)
        self.unread[message.room] = self.unread.get(message.room, 0) + 1

    def count_missed(self, room: str, messages: Sequence[Message]) -> None:
        """Count what others said in another room since it was read. The events of the last of these messages may still
        come, and the person may have read there meanwhile."""
        if room == self.room:
            return
        read = self.reads.get(room, 0)
        missed = sum(one.from_ != self.me and one.seq > read for one in messages)
        self.unread[room] = max(missed, self.unread.get(room, 0))
        self._counted[room] = max((one.seq for one in messages), default=0)

    def _receipt(self, receipt: Receipt) -> None:
        ladder = self.ladders.get(receipt.message)
        if ladder is not None and receipt.steps:
            ladder[receipt.member] = receipt.steps[-1]
            self.stream.mark_changed((receipt.message, 0))

    def _member(self, event: MemberEvent) -> None:
        member = event.member
        if event.action is MemberAction.LEFT:
            self.members.pop(member.name, None)
        elif known := self.members.get(member.name):
            self.members[member.name] = msgspec.structs.replace(known, role=member.role)
        if text := member_notice(event):
            self._notice((event.seq, 0), Notice(text, event.timestamp))

    def _room_event(self, event: RoomEvent) -> None:
        self.rooms = rooms_after(self.rooms, event)
        if event.floor is not None:
            self.floors[event.room] = event.floor
        elif event.room == self.room and (text := room_change_line(event)):
            self._notice((event.seq, 0), Notice(text, event.timestamp))

    def restore_rooms(self, rooms: Iterable[Room], meanwhile: Iterable[object]) -> None:
        """All rooms, as they were listed page by page, and what changed in them meanwhile."""
        self.rooms = {one.name: one for one in rooms}
        for event in meanwhile:
            if isinstance(event, RoomEvent):
                self.rooms = rooms_after(self.rooms, event)

    def _muted(self, event: MuteEvent) -> None:
        self.muted = self.muted | {event.room} if event.on else self.muted - {event.room}

    def _context(self, event: ContextEvent) -> None:
        """Announce a changed document of this room, of a member, or of everybody; not of another room."""
        if event.room in (None, self.room):
            what = f"{event.by} {_CHANGE_VERBS[event.action]} {event.name!r} of {event.scope} (version {event.version})"
            self._notice((event.seq, 0), Notice(f"context: {what}", event.timestamp))

    def _welcome(self, welcome: Welcome, now: float) -> None:
        self.members = {one.name: one for one in welcome.members}
        self.rooms = {one.name: one for one in welcome.rooms}
        self.floors = {one.name: one.floor for one in welcome.rooms if one.floor is not None}
        self.last_seq = max(self.last_seq, welcome.last_seq)
        self.kind = welcome.you.kind
        self.observer = welcome.observer
        self.names.number(one.name for one in (*self.agents(), *self.others()))
        self.muted = frozenset(welcome.muted)
        for ask in welcome.asks:
            self.ask(QuestionView.of(ask))
        for decision in welcome.decisions:
            self.decision(decision)
        self._connection_is_back(now)

    # whether the gateway answers

    @property
    def away(self) -> bool:
        """Whether the connection is gone."""
        return self.silence is not None and self.silence.lost

    def waits(self, asked_at: float, now: float) -> None:
        """A request that was sent at `asked_at` has no answer yet."""
        if (silence := extend_outage(self.silence, asked_at, self.heard_at, now)) is None:
            self._connection_is_back(now)
        self.silence = silence

    def mark_answered(self, now: float) -> None:
        self.heard_at = now
        if not self.away:
            self._connection_is_back(now)

    def _connection_is_back(self, now: float) -> None:
        silence, self.silence = self.silence, None
        if silence is not None:
            self.say(outage_over_line(silence, now))

    # keys

    def note_sealing(self, notice: SealingNotice, timestamp: str = "") -> Alert | None:
        """What people must know about keys. A loud one stays where it came up, and rings."""
        if not notice.loud:
            if notice.room in ("", self.room):
                self.say(notice.text, timestamp=timestamp)
            return None
        self._local += 1
        key, line = (self.last_seq, self._local), Notice(f"! {notice.text}", timestamp, Tone.BAD)
        self.warnings = [*self.warnings, (key, notice.room, line)][-MAX_KEPT_WARNINGS:]
        if notice.room in ("", self.room):
            self._notice(key, line)
        return Alert(notice.member or SYSTEM_NAME, notice.text, asks=True)

    def is_sealed(self, room: str) -> bool:
        return room in self.rooms and self.rooms[room].sealed

    def sealed_rooms(self) -> frozenset[str]:
        return frozenset(name for name, one in self.rooms.items() if one.sealed)

    def changed_keys(self) -> list[str]:
        """The members of this chat whose keys have changed, so that a person must decide."""
        return sorted(name for name, key in self.keys.items() if key.waits_for_decision and name in self.members)

    # asks

    def ask(self, ask: QuestionView, *, again: bool = False) -> Alert | None:
        """A question of an agent: new, answered, or announced again because nobody answers."""
        before = self.asks.get(ask.number)
        self.asks[ask.number] = ask
        if before is not None:
            self.stream.replace((ask.number, 0), ask)
        elif self.stream.at_tail:
            self.stream.put((ask.number, 0), ask)
        self._forget_asks()
        return (
            Alert(ask.member, printable_text.shorten_line(" ".join(ask.subject), MAX_REASON_CHARS), asks=True)
            if (before is None or again) and ask.open
            else None
        )

    def restore_asks(self, asks: Iterable[Ask]) -> None:
        """Restore questions that ended before this chat was opened: each is a line at its old place."""
        for one in asks:
            if one.number not in self.asks:
                self.asks[one.number] = QuestionView.of(one)
        self._put_cards()
        self._forget_asks()

    def _put_cards(self) -> None:
        """Place the questions and decisions of this room between the shown messages, and all open questions."""
        oldest, newest = self.stream.oldest(), self.stream.newest()
        first = 0 if not self.stream.more_before else oldest or 0
        last = self.last_seq if self.stream.at_tail else newest or 0
        for ask in self.asks.values():
            if ask.open or (first <= ask.number <= last and self._is_of_this_room(ask.member)):
                self.stream.put((ask.number, 0), ask)
        for card in self.decisions.values():
            if card.decision.room == self.room and (card.open or first <= card.number <= last):
                self.stream.put((card.number, 0), card)
        warnings = ((key, line) for key, room, line in self.warnings if room in ("", self.room))
        for key, line in (*self._notices, *warnings):
            if first <= key[0] <= last:
                self.stream.put(key, line)

    def _is_of_this_room(self, member: str) -> bool:
        room = self.rooms.get(self.room)
        return room is None or member in room.members

    def _forget_asks(self) -> None:
        """Forget old questions: of the ended ones outside the window only the newest are kept, since the gateway has
        them all."""
        if len(self.asks) <= MAX_KEPT_ASKS:
            return
        old = sorted(
            number for number, one in self.asks.items() if not one.open and (number, 0) not in self.stream.entries
        )
        for number in old[: len(self.asks) - MAX_KEPT_ASKS]:
            del self.asks[number]

    def open_asks(self) -> list[QuestionView]:
        return sorted((one for one in self.asks.values() if one.open), key=lambda one: one.number)

    # decisions

    def _decision_event(self, event: DecisionEvent | SessionEvent) -> Alert | None:
        """An opened decision has a message and a card, a closed one its result; steps in between are lines."""
        said = isinstance(event, SessionEvent) and event.action is not SessionAction.OVERDUE
        answered = isinstance(event, DecisionEvent) and event.answer is not None and event.decision.pending
        if (said or answered) and event.room == self.room:
            self._notice((event.seq, 0), Notice(event_line(event), event.timestamp))
        return self.decision(event.decision) if isinstance(event, DecisionEvent) else None

    def decision(self, decision: Decision) -> Alert | None:
        """Update a decision. It is a card while this member may answer it, and stays one after its end."""
        self._count_vote(decision)
        mine = has_open_vote(decision, self.me, self.kind)
        number = decision.number
        if not mine and number not in self.decisions:
            return None
        before, self.decisions[number] = self.decisions.get(number), DecisionCard(decision, mine)
        if before is not None:
            self.stream.replace((number, 0), self.decisions[number])
        elif self.stream.at_tail and decision.room == self.room:
            self.stream.put((number, 0), self.decisions[number])
        rings = before is None and decision.room not in self.muted
        return Alert(decision.by, decision.question, asks=True) if rings else None

    def _count_vote(self, decision: Decision) -> None:
        """How a vote stands is shown under the message that asks for it."""
        if decision.asked is None:
            return
        if decision.pending:
            self.votes[decision.asked] = decision
        else:
            self.votes.pop(decision.asked, None)
        self.stream.mark_changed((decision.asked, 0))

    def tally_of(self, message: Message) -> str:
        """Empty if the message asks for no vote, or a card shows it."""
        decision = self.votes.get(message.seq)
        if decision is None or ((card := self.decisions.get(decision.number)) is not None and card.open):
            return ""
        return tally_line(decision)

    def open_cards(self) -> list[QuestionView | DecisionCard]:
        """All open questions and decisions for this person, oldest first."""
        votes = [one for one in self.decisions.values() if one.open]
        return sorted([*self.open_asks(), *votes], key=lambda one: one.number)

    def card(self, number: int | None) -> QuestionView | DecisionCard | None:
        found = self.asks.get(number or 0) or self.decisions.get(number or 0)
        return found if found is not None and found.open else None

    # rooms

    def enter(self, room: str) -> None:
        """Show another room. A rule stands where reading stopped in it."""
        if self.below:
            self.unread[self.room] = self.below
        self.room, self.mark, self.below = room, self.reads.get(room), 0
        self.unread.pop(room, None)
        self.has_page = False
        self._notices.clear()
        self.stream.clear()  # nothing of the other room stands below this room's name, also if no page of it comes
        self.stream.more_before = self.stream.at_tail = True
        self._show_last()

    def show_remembered(self) -> bool:
        """Show the newest page of the room that was entered, if it is in memory."""
        page = self.pages.page(self.room)
        if page is not None:
            self.show(page.messages, more_before=page.more, at_tail=True)
        return page is not None

    def settle_mark(self) -> None:
        """The newest page of the room is here. Where nothing is unread, what comes from now on gets no rule."""
        if self.first_unread() is None:
            self.mark = None

    def mark_read(self) -> None:
        """The newest message of the room is in sight."""
        newest = self.stream.newest()
        if self.has_page and self.stream.at_tail and newest is not None:
            self.reads[self.room], self.below = newest, 0

    def has_agent_message_between(self, after: int, until: int) -> bool:
        """Whether an agent said one of the loaded messages with these numbers."""
        for key in reversed(self.stream.keys):
            if key[0] <= after:
                return False
            entry = self.stream.entries[key]
            if key[0] <= until and isinstance(entry, Message) and self._is_agent(entry.from_):
                return True
        return False

    def _is_agent(self, name: str) -> bool:
        member = self.members.get(name)
        return member is not None and member.kind is MemberKind.AGENT

    def own_rooms(self) -> tuple[str, ...]:
        return rooms_of(self.rooms, self.me, self.room)

    def room_at(self, number: int) -> str | None:
        mine = self.own_rooms()
        return mine[number - 1] if 0 < number <= len(mine) else None

    def loud_unread(self) -> dict[str, int]:
        """The unread messages of each room that is not muted."""
        return {room: count for room, count in self.unread.items() if count and room not in self.muted}

    def _is_here(self, member: MemberView) -> bool:
        """Whether the member is in the shown room. Everybody is, as long as its members are not known."""
        room = self.rooms.get(self.room)
        return room is None or not room.members or member.name in room.members

    def agents_here(self) -> list[MemberView]:
        return [one for one in self.agents() if self._is_here(one)]

    def others_here(self) -> list[MemberView]:
        return [one for one in self.others() if self._is_here(one)]

    # unsent messages

    def post(
        self, message_id: str, said: AddressedText, line: str, timestamp: str, wakes: tuple[str, ...] = ()
    ) -> None:
        self.outbox = self.outbox.add_message(message_id, self.room, said, line, timestamp, wakes)
        self.mark = None
        self._show_last()

    def mark_accepted(self, message_id: str, number: int) -> None:
        self._update(self.outbox.mark_accepted(message_id, number).drop_passed(self.come_to))

    def mark_refused(self, message_id: str, reason: str) -> None:
        self._update(self.outbox.mark_refused(message_id, reason))

    def take_back(self, line: str) -> None:
        self._update(self.outbox.take_back(line))

    def _update(self, outbox: Outbox) -> None:
        if outbox is not self.outbox:
            self.outbox = outbox
            self._show_last()

    def _own_message(self, message: Message) -> None:
        """A message of this person has been stored: track its deliveries, and drop its unsent entry. How far an earlier
        one has come is unknown until it is asked for."""
        self.ladders.setdefault(message.seq, {})
        self._update(self.outbox.mark_shown(message.id))

    def _show_last(self) -> None:
        """Show what is no message yet after all messages: what members have begun to say, then unsent messages in the
        order in which they were written."""
        self.stream.drop_from((UNFINISHED_KEY, 0))
        for place, begun in enumerate(self.unfinished.of_room(self.room) if self.stream.at_tail else ()):
            self.stream.put((UNFINISHED_KEY + place, 0), begun)
            self.stream.version[UNFINISHED_KEY + place, 0] = begun.version
        for one in self.outbox.of_room(self.room):
            key = (LAST_KEY + one.place, 0)
            self.stream.put(key, one)
            self.stream.version[key] = list(SendStage).index(one.stage)

    # the stream

    def show(self, messages: Sequence[Message], *, more_before: bool, at_tail: bool) -> None:
        """Replace the stream with a page. What came while the newest page was loading is kept."""
        self.stream.clear()
        self.stream.more_before, self.stream.at_tail, self.has_page = more_before, at_tail, True
        self._put_all(messages)
        self._put_recent()
        self._put_cards()
        self._show_last()

    def _put_recent(self) -> None:
        """What has come while the newest page was loading. With two connections an event can overtake the page."""
        newest = self.stream.newest() or 0
        if self.stream.at_tail:
            self._put_all([one for one in self._recent if one.seq > newest and one.room == self.room])

    def older(self, messages: Sequence[Message], *, more: bool) -> None:
        self.stream.more_before = more
        self._put_all(messages)
        self._put_cards()
        if self.stream.forget_newest():
            self._show_last()

    def newer(self, messages: Sequence[Message], *, more: bool) -> None:
        self.stream.at_tail = not more
        self._put_all(messages)
        self._put_recent()
        self._put_cards()
        self._show_last()
        self.stream.forget_oldest()

    def say(self, text: str, tone: Tone = Tone.QUIET, timestamp: str = "") -> None:
        """Add a line of the chat's own after everything known so far."""
        self._local += 1
        self._notice((self.last_seq, self._local), Notice(text, timestamp, tone))

    def _notice(self, key: EntryKey, notice: Notice) -> None:
        """Add a line that no page of the gateway holds: it is kept, also for a page that is still loading."""
        self._notices.append((key, notice))
        if self.stream.at_tail:
            self.stream.put(key, notice)

    def redraw(self, numbers: Iterable[int]) -> None:
        """These messages look different now."""
        for number in numbers:
            if (number, 0) in self.stream.entries:
                self.stream.mark_changed((number, 0))

    def _put_all(self, messages: Iterable[Message]) -> None:
        messages = tuple(messages)
        self.redraw(self.marks.note_messages(messages))
        for message in messages:
            if message.from_ == self.me:
                self._own_message(message)
            self.stream.put((message.seq, 0), message)

    def restore_deliveries(self, deliveries: Iterable[Delivery], meanwhile: Iterable[object] = ()) -> None:
        """Restore the state of deliveries from before this chat was opened, and the steps that came while it was asked
        for."""
        for one in deliveries:
            self.ladders.setdefault(one.message, {})[one.member] = Step(one.rung, one.at, one.reason)
            self.stream.mark_changed((one.message, 0))
        for event in meanwhile:
            if isinstance(event, Receipt):
                self._receipt(event)

    # questions

    def own_numbers(self) -> tuple[int, ...]:
        return self.stream.numbers_from(self.me)

    def is_for_me(self, message: Message) -> bool:
        if message.from_ in (self.me, SYSTEM_NAME) or message.kind is MessageKind.SYSTEM or has_no_text(message):
            return False
        return self.me in message.recipients or mentions(message.content, self.me)

    def mention_before(self, seq: int) -> EntryKey | None:
        for key in reversed(self.stream.keys):
            entry = self.stream.entries[key]
            if key[0] < seq and isinstance(entry, Message) and self.is_for_me(entry) and self._mentions_me(entry):
                return key
        return None

    def _mentions_me(self, message: Message) -> bool:
        """Whether the message mentions this person by name. An answer to their message does not count."""
        return message.reply_to is None or mentions(message.content, self.me)

    def first_unread(self) -> EntryKey | None:
        """The first unread message of somebody else."""
        return None if self.mark is None else self.stream.first_of_others(self.mark, self.me)

    def agents(self) -> list[MemberView]:
        return sorted((one for one in self.members.values() if one.kind is MemberKind.AGENT), key=lambda one: one.name)

    def others(self) -> list[MemberView]:
        found = (one for one in self.members.values() if one.kind is not MemberKind.AGENT)
        return sorted(found, key=lambda one: one.name)


def _alert_of(message: Message) -> Alert:
    """What is sealed does not go to the command that shows notifications: others can see its arguments."""
    return Alert(message.from_, "a sealed message" if finding_of(message).was_sealed else message.content)


_CHANGE_VERBS = {ContextAction.PUT: "wrote", ContextAction.MERGE: "added to", ContextAction.DELETE: "deleted"}
