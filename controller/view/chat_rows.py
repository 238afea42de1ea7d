"""What the stream and the roster look like, row by row. Pure: state and width in, fragments out."""

from __future__ import annotations

import re
import zlib
from functools import lru_cache

from controller.commands.decision_text import DecisionCard
from controller.commands.state_text import is_bad, receipt_words, state_words
from controller.view.approval_focus import CardFocus
from controller.view.approval_rows import Look, card, ended
from controller.view.approvals_view import AskView
from controller.view.chat_state import ChatState, Entry, Notice, Tone, names
from controller.view.text_rows import Row, fit, in_cells, is_marked, rows, shown, width_of, wrapped
from controller.view.unsent_messages import Outgoing, Stage
from gateway.protocol.events import Message
from gateway.protocol.text import printable_text
from gateway.protocol.text.addressing import Said
from gateway.protocol.text.attachments import attachments_of
from gateway.protocol.types import SYSTEM, Activity, MessageKind, Presence, Rung, Step

COLOURS = ("ansicyan", "ansigreen", "ansimagenta", "ansiblue", "ansiyellow")
FOLD_OVER = 14
FOLD_TO = 8
FOLDED_TEXT = 6000
ROWS_UNTIL_SHOWN = 24
CARD_ROWS = 16
MOST_ATTACHED = 4


@lru_cache(1024)
def colour_of(name: str) -> str:
    """The same for a name everywhere and always."""
    return f"bold fg:{COLOURS[zlib.crc32(name.encode()) % len(COLOURS)]}"


@lru_cache(8192)
def clock(stamp: str) -> str:
    return printable_text.clock(stamp, "%H:%M", "     ")


@lru_cache(8192)
def day(stamp: str) -> str:
    """Nothing for what is no moment."""
    return printable_text.clock(stamp, "%A %-d %B %Y", "")


def _look_of(entry: Entry, height: int, panes: bool) -> object:
    """On what the rows of a card depend beside the card."""
    if not isinstance(entry, AskView):
        return None
    return (height, panes) if entry.open else entry.outcome


def card_height(height: int) -> int:
    """How many rows of the stream a card may take: all of a small one, of a large one a part."""
    return max(1, min(height, max(CARD_ROWS, height * 2 // 3)))


class StreamRows:
    """The rows of the entry at a place, remembered until something about it changes."""

    def __init__(self, state: ChatState) -> None:
        self._state = state
        self._cache: dict[tuple[int, int], tuple[object, list[Row]]] = {}
        self._unread: tuple[object, tuple[int, int] | None] = (None, None)
        self.width = 80
        self.height = ROWS_UNTIL_SHOWN
        self.unfolded: set[tuple[int, int]] = set()
        self.focus = CardFocus()

    @property
    def selected(self) -> int | None:
        """The number of the chosen card."""
        return self.focus.number

    def __call__(self, place: int) -> list[Row]:
        state = self._state
        key = state.keys[place]
        before = state.keys[place - 1] if place else None
        entry = state.entries[key]
        mark = key == self._first_unread()
        chosen = isinstance(entry, AskView | DecisionCard) and entry.number == self.selected
        look = _look_of(entry, self.height, state.panes)
        stamp = (self.width, before, state.version.get(key, 0), key in self.unfolded, mark, chosen, look)
        known = self._cache.get(key)
        if known is not None and known[0] == stamp:
            return known[1]
        made = self._make(entry, state.entries[before] if before else None, key in self.unfolded, mark)
        if len(self._cache) > 20_000:
            self._cache.clear()
        self._cache[key] = (stamp, made)
        return made

    def _first_unread(self) -> tuple[int, int] | None:
        state = self._state
        asked = (state.mark, len(state.keys), state.keys[0] if state.keys else None)
        if self._unread[0] != asked:
            self._unread = (asked, state.first_unread())
        return self._unread[1]

    def _make(self, entry: Entry, before: Entry | None, unfolded: bool, mark: bool) -> list[Row]:
        made = _day_line(entry, before, self.width)
        if mark and before is not None:
            made.append(_ruled("new", self.width, "fg:ansired"))
        match entry:
            case Message(kind=MessageKind.SYSTEM | MessageKind.TASK) if entry.from_ == SYSTEM:
                made += _notice(Notice(_of_the_gateway(entry, unfolded), entry.timestamp), self.width)
            case Message():
                made += self._message(entry, before, unfolded)
            case Outgoing():
                made += outgoing(entry, self._state.me, self.width)
            case Notice():
                made += _notice(entry, self.width)
            case DecisionCard():
                made += ballot(entry, self.width, chosen=entry.number == self.selected)
            case AskView():
                made += self._ask(entry, unfolded)
        return made

    def _ask(self, ask: AskView, unfolded: bool) -> list[Row]:
        if not ask.open:
            return _ended(ask, self.width, unfolded)
        look = Look(
            me=self._state.me,
            width=self.width,
            height=card_height(self.height),
            chosen=ask.number == self.selected,
            unfolded=unfolded,
            panes=self._state.panes,
        )
        return card(ask, look)

    def _message(self, message: Message, before: Entry | None, unfolded: bool) -> list[Row]:
        state, wide = self._state, self.width >= 60
        answers = message.reply_to is not None
        indent = (8 if wide else 3) if answers else (6 if wide else 2)
        head = _head(message, state)
        quoted = answers and not _is_under(message, before) and not _is_turn(state, message.reply_to)
        made = [_quote(message, state, self.width)] if quoted else []
        body = _body(message.content, self.width - indent, unfolded)
        if message.from_ != state.me and names(message.content, state.me):
            body = [_with_mentions(row, state.me) for row in body]
        room = self.width - sum(width_of(text) for _, text in head)
        single = not is_marked(message.content) and len(body) == 1
        if single and width_of(message.content) <= room:
            made.append((*head, *body[0]))
        else:
            made += [head, *(((("", " " * indent)), *row) for row in body)]
        made += _attached(message, indent, self.width, unfolded)
        if message.from_ == state.me and (ladder := state.ladders.get(message.seq)):
            made += _receipts(ladder, indent, self.width)
        return made


def _with_mentions(row: Row, name: str) -> Row:
    """The name of the person who reads this in a colour of its own."""
    calls = re.compile(rf"(@{re.escape(name)}(?![\w-]))", re.IGNORECASE)
    parts = ((style, part) for style, text in row for part in calls.split(text) if part)
    return tuple(("class:me", part) if calls.fullmatch(part) else (style, part) for style, part in parts)


def _of_the_gateway(message: Message, unfolded: bool) -> str:
    """Of what it asks of a speaker, the first line; the rest is for the agent."""
    whole = unfolded or message.kind is MessageKind.SYSTEM
    return message.content if whole else message.content.partition("\n")[0]


def _head(message: Message, state: ChatState) -> Row:
    """`12:03 claude (coder) → alice #812  `"""
    sender = state.members.get(message.from_)
    parts = [("class:dim", f"{clock(message.timestamp)} "), (colour_of(message.from_), shown(message.from_))]
    if message.reply_to is not None:
        parts.insert(1, ("class:dim", "↳ "))
    if sender is not None and sender.role:
        parts.append(("class:dim", shown(f" ({sender.role})")))
    if message.recipients:
        parts.append(("class:dim", f" → {', '.join(message.recipients)}"))
    if message.aside:
        parts.append(("class:dim", " (out of turn)"))
    if message.urgent:
        parts.append(("fg:ansired bold", _urgency(message)))
    return (*parts, ("class:dim", f" #{message.seq}  "))


def _urgency(said: Message | Said) -> str:
    """As it was typed: two signs where it ends the turn under way."""
    return "" if not said.urgent else " !!" if said.interrupt else " !"


def outgoing(one: Outgoing, me: str, width: int) -> list[Row]:
    """What is on its way, dim, in the rows that it will take once it is a message with receipts."""
    indent = 6 if width >= 60 else 2
    to = f" → {', '.join(one.names)}" if one.names else ""
    head = shown(f"{clock(one.timestamp)} {me}{to}{_urgency(one.said)} #…  ")
    body = ["".join(text for _, text in row) for row in _body(one.said.text, width - indent, unfolded=False)]
    if len(body) == 1 and width_of(head) + width_of(body[0]) <= width:
        lines = [head + body[0]]
    else:
        lines = [head, *(" " * indent + row for row in body)]
    made: list[Row] = [(("class:dim", line),) for line in lines]
    style = "class:bad" if one.stage is Stage.REFUSED else "class:dim"
    told = wrapped(shown(_on_its_way(one)), width - indent)
    return [*made, *((("", " " * indent), (style, row)) for row in told)]


def _on_its_way(one: Outgoing) -> str:
    match one.stage:
        case Stage.SENDING:
            return "· sending"
        case Stage.ACCEPTED:
            return "· sent"
        case Stage.REFUSED:
            return f"✗ not sent: {one.reason} The Up key brings it back."


def _is_under(message: Message, before: Entry | None) -> bool:
    """Right below what it answers, or below another answer to the same."""
    return isinstance(before, Message) and message.reply_to in (before.seq, before.reply_to)


def _is_turn(state: ChatState, number: int | None) -> bool:
    """The answer to a turn prompt: whose turn it was stands above it already."""
    asked = state.message(number or 0)
    return asked is not None and asked.kind is MessageKind.TASK and asked.from_ == SYSTEM


def _quote(message: Message, state: ChatState, width: int) -> Row:
    number = message.reply_to or 0
    asked = state.message(number)
    words = f"{asked.from_}: {' '.join(asked.content.split())}" if asked else "an earlier message"
    tail = f" (#{number})"
    return (("class:dim", f"      ┌ {fit(shown(words), max(8, width - 8 - len(tail)))}{tail}"),)


def _body(content: str, width: int, unfolded: bool) -> list[Row]:
    if unfolded:
        return list(rows(content, width))
    found = list(rows(content[:FOLDED_TEXT], width))
    if len(found) <= FOLD_OVER and len(content) <= FOLDED_TEXT:
        return found
    kept = found[:FOLD_TO]
    more = "more" if len(content) > FOLDED_TEXT else f"{len(found) - FOLD_TO} more rows"
    return [*kept, (("class:fold", fit(f"… {more}, F3 unfolds", width)),)]


def _attached(message: Message, indent: int, width: int, unfolded: bool) -> list[Row]:
    """What came with it: folded to its name and its length, or all of it behind a bar."""
    found, inner, left = attachments_of(message), max(8, width - indent - 2), ("", " " * indent)
    shown_now = found if unfolded else found[:MOST_ATTACHED]
    made: list[Row] = []
    for one in shown_now:
        hint = "; F3 unfolds" if one.text and not unfolded else ""
        made.append((left, ("class:fold", fit(f"+ {in_cells(one.summary)}", inner - len(hint)) + hint)))
        rest = wrapped(shown(one.text.removesuffix("\n")), inner) if one.text and unfolded else ()
        made += [(left, ("class:dim", "│ "), ("", row)) for row in rest]
    if len(shown_now) < len(found):
        made.append((left, ("class:fold", f"+ {len(found) - len(shown_now)} more; F3 unfolds")))
    return made


def _receipts(ladder: dict[str, Step], indent: int, width: int) -> list[Row]:
    parts: list[tuple[str, str]] = []
    for number, (member, step) in enumerate(sorted(ladder.items())):
        sign = "✓" if step.rung is Rung.ANSWERED else "✗" if is_bad(step) else "·"
        style = "class:bad" if is_bad(step) else "class:good" if step.rung is Rung.ANSWERED else "class:dim"
        parts.append((style, shown(f"{'  ' if number else ''}{sign} {member} {receipt_words(step)}")))
    hints = _hints(ladder, indent, width)
    if indent + sum(width_of(text) for _, text in parts) <= width:
        return [(("", " " * indent), *parts), *hints]
    return [*((("", " " * indent), (style, fit(text.strip(), width - indent))) for style, text in parts), *hints]


def _hints(ladder: dict[str, Step], indent: int, width: int) -> list[Row]:
    """What was urgent, and an agent at work has put off."""
    names = [member for member, step in sorted(ladder.items()) if step.rung is Rung.SUBMITTED and step.reason]
    words = (f"  /stop {name} ends what it works on" for name in names)
    return [(("", " " * indent), ("class:dim", fit(shown(one), width - indent))) for one in words]


def _notice(notice: Notice, width: int) -> list[Row]:
    style = {Tone.QUIET: "class:dim", Tone.GOOD: "class:good", Tone.BAD: "class:bad", Tone.PLAIN: ""}[notice.tone]
    time = clock(notice.timestamp) + " " if notice.timestamp else "      "
    lines = wrapped(shown(notice.text), width - len(time))
    return [
        ((("class:dim", time if not number else " " * len(time))), (style, line)) for number, line in enumerate(lines)
    ]


def _day_line(entry: Entry, before: Entry | None, width: int) -> list[Row]:
    stamp, last = _stamp(entry), _stamp(before) if before is not None else ""
    if not day(stamp) or day(last) == day(stamp) or (before is not None and not day(last)):
        return []
    return [_ruled(day(stamp), width, "class:dim")]


def _stamp(entry: Entry) -> str:
    return entry.opened if isinstance(entry, AskView) else entry.timestamp


def _ruled(text: str, width: int, style: str) -> Row:
    words = fit(f" {text} ", width)
    left = max(0, (width - width_of(words)) // 2)
    return ((style, "─" * left + words + "─" * max(0, width - left - width_of(words))),)


def _ended(ask: AskView, width: int, unfolded: bool) -> list[Row]:
    time = clock(ask.opened) + " "
    return [
        (("class:dim", time if not number else " " * len(time)), *row)
        for number, row in enumerate(ended(ask, width - len(time), unfolded=unfolded))
    ]


def ballot(card: DecisionCard, width: int, *, chosen: bool) -> list[Row]:
    """A decision that waits for this person; one line once it does not."""
    edge, one = "class:ask.chosen" if chosen else "class:ask", card.decision
    if not card.open:
        return _notice(Notice(f"{one.id}: {' '.join(one.question.split())} – {card.outcome}", one.at), width)
    inner = max(10, width - 4)
    title = wrapped(shown(f"{one.by} asks ({one.id}, {one.rule}): {one.question}"), inner)
    made: list[Row] = [((edge, "┃ "), ("bold", line)) for line in title]
    for option in card.choices:
        made += [((edge, "┃ "), (edge, f" {shown(option.key)} "), ("", " " + fit(shown(option.text), inner - 4)))]
    keys = "press its key, Esc leaves it" if chosen else f"F2 to answer, or /vote {one.id}"
    return [*made, ((edge, "┃ "), ("class:dim", fit(keys, inner)))]


# the roster


_SIGNS = {
    Activity.STARTING: ("class:dim", "…"),
    Activity.IDLE: ("class:good", "●"),
    Activity.BUSY: ("class:busy", "◆"),
    Activity.ASKING: ("class:ask", "?"),
    Activity.ERROR: ("class:bad", "!"),
    Activity.GONE: ("class:dim", "✗"),
    Activity.UNKNOWN: ("class:dim", "○"),
}


def roster(state: ChatState, width: int) -> list[Row]:
    made: list[Row] = []
    for member in state.agents():
        sign = ("class:dim", "○") if member.presence is not Presence.ONLINE else _SIGNS[member.activity]
        role = shown(f" {member.role}") if member.role else ""
        name = fit(member.name, width - 2)
        made.append((sign, ("", " "), (colour_of(member.name), name), ("class:dim", fit(role, width - 2 - len(name)))))
        made.append((("class:dim", fit("  " + state_words(member), width)),))
    people = [one for one in state.others() if one.presence is Presence.ONLINE]
    if people:
        made.append(())
    made += [((("class:dim", "  ")), (colour_of(one.name), fit(one.name, width - 2))) for one in people]
    return made


def roster_line(state: ChatState, width: int) -> Row:
    """Everybody on one row, for a narrow pane."""
    made: list[tuple[str, str]] = []
    left = width
    for member in state.agents():
        sign = ("class:dim", "○") if member.presence is not Presence.ONLINE else _SIGNS[member.activity]
        waiting = f"+{member.queued}" if member.queued else ""
        text = f" {member.name}{'‖' if member.paused else ''}{waiting}  "
        left -= 1 + width_of(text)
        if left < 0:
            break
        made += [sign, ("", text)]
    return tuple(made)
