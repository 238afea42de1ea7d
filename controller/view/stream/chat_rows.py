"""Renders the message stream, row by row. Pure: state and width in, fragments out."""

from __future__ import annotations

from functools import lru_cache

from controller.view.approvals.approval_rows import CardView, card_rows, ended_rows
from controller.view.approvals.card_focus import CardFocus
from controller.view.approvals.question_view import QuestionView
from controller.view.state.chat_state import ChatState
from controller.view.state.stream_entries import Notice, StreamEntry, Tone
from controller.view.state.unfinished_texts import UnfinishedText
from controller.view.state.unsent_messages import OutgoingMessage, SendStage
from controller.view.stream.mark_rows import mark_rows
from controller.view.stream.proof_rows import note_rows, proof_fragments, with_refusal_style
from controller.view.stream.receipt_rows import receipt_rows
from controller.view.styles.symbols import LOCK
from controller.view.text.mention_styles import mark_mentions
from controller.view.text.row_types import Row
from controller.view.text.search_highlights import SearchHighlights, mark_target
from controller.view.text.text_rows import (
    clean_for_screen,
    clean_line_for_screen,
    fit_to_width,
    has_markdown,
    text_rows,
    width_of,
    width_of_row,
    wrap_text,
)
from controller.wording.decision_text import DecisionCard, tally_line, text_for_people
from controller.wording.proof_text import has_no_text
from gateway.protocol.events import Message
from gateway.protocol.text import printable_text
from gateway.protocol.text.addressing import AddressedText
from gateway.protocol.text.attachments import attachments_of
from gateway.protocol.text.printable_text import readable_content
from gateway.protocol.types.core_types import SYSTEM_NAME, MessageKind

FOLD_ABOVE_ROWS = 14
FOLDED_ROWS = 8
MAX_FOLDED_CHARS = 6000
MAX_ROWS_BEFORE_FOLD = 24
MIN_CARD_ROWS = 16
MAX_SHOWN_ATTACHMENTS = 4


@lru_cache(8192)
def time_of_day(stamp: str) -> str:
    return printable_text.local_time_text(stamp, "%H:%M", "     ")


@lru_cache(8192)
def day_of(stamp: str) -> str:
    """The day of a timestamp; empty if it is not valid."""
    return printable_text.local_time_text(stamp, "%A %-d %B %Y", "")


def _card_key(entry: StreamEntry, height: int, panes: bool) -> object:
    """The values, besides the card, on which its rows depend."""
    if not isinstance(entry, QuestionView):
        return None
    return (height, panes) if entry.open else entry.outcome


def card_height(height: int) -> int:
    """The number of rows that a card may use: all of a small stream, a part of a large one."""
    return max(1, min(height, max(MIN_CARD_ROWS, height * 2 // 3)))


class StreamRows:
    """The rows of the entry at this position, cached until the entry changes."""

    def __init__(self, state: ChatState) -> None:
        self._state = state
        self._cache: dict[tuple[int, int], tuple[object, list[Row]]] = {}
        self._unread: tuple[object, tuple[int, int] | None] = (None, None)
        self.width = 80
        self.height = MAX_ROWS_BEFORE_FOLD
        self.unfolded: set[tuple[int, int]] = set()
        self.focus = CardFocus()
        self.chosen: tuple[int, int] | None = None  # the message chosen in select mode
        self.marks: SearchHighlights | None = None

    @property
    def selected(self) -> int | None:
        """The number of the chosen card."""
        return self.focus.number

    def __call__(self, place: int) -> list[Row]:
        stream = self._state.stream
        key = stream.keys[place]
        before = stream.keys[place - 1] if place else None
        entry = stream.entries[key]
        mark = key == self._first_unread()
        chosen = isinstance(entry, QuestionView | DecisionCard) and entry.number == self.selected
        look = _card_key(entry, self.height, self._state.panes)
        stamp = (self.width, before, stream.version.get(key, 0), key in self.unfolded, mark, chosen, look, self.marks)
        known = self._cache.get(key)
        if known is None or known[0] != stamp:
            if len(self._cache) > 20_000:
                self._cache.clear()
            unfolded = key in self.unfolded
            known = (stamp, self._make(entry, stream.entries[before] if before else None, unfolded, mark))
            self._cache[key] = known
        return _chosen_rows(known[1], self.width) if key == self.chosen else known[1]

    def _first_unread(self) -> tuple[int, int] | None:
        state = self._state
        asked = (state.mark, len(state.stream.keys), state.stream.keys[0] if state.stream.keys else None)
        if self._unread[0] != asked:
            self._unread = (asked, state.first_unread())
        return self._unread[1]

    def _make(self, entry: StreamEntry, before: StreamEntry | None, unfolded: bool, mark: bool) -> list[Row]:
        made = _day_rows(entry, before, self.width)
        if mark and before is not None:
            made.append(_rule_row("new", self.width, "class:new"))
        match entry:
            case Message(kind=MessageKind.SYSTEM | MessageKind.TASK) if entry.from_ == SYSTEM_NAME:
                made += _notice_rows(
                    Notice(_gateway_text(entry, self._state.me, unfolded), entry.timestamp), self.width
                )
            case Message():
                made += self._message(entry, before, unfolded)
            case OutgoingMessage() | UnfinishedText():
                made += self._no_message_yet(entry)
            case Notice():
                made += _notice_rows(entry, self.width)
            case DecisionCard():
                made += decision_card_rows(entry, self.width, chosen=entry.number == self.selected)
            case QuestionView():
                made += self._ask(entry, unfolded)
        return made

    def _no_message_yet(self, entry: OutgoingMessage | UnfinishedText) -> list[Row]:
        if isinstance(entry, UnfinishedText):
            return unfinished_rows(entry, self._state, self.width)
        return outgoing_rows(entry, self._state.me, self.width)

    def _ask(self, ask: QuestionView, unfolded: bool) -> list[Row]:
        if not ask.open:
            return _ended_ask_rows(ask, self.width, unfolded)
        look = CardView(
            me=self._state.me,
            width=self.width,
            height=card_height(self.height),
            chosen=ask.number == self.selected,
            unfolded=unfolded,
            panes=self._state.panes,
        )
        return card_rows(ask, look)

    def _message(self, message: Message, before: StreamEntry | None, unfolded: bool) -> list[Row]:
        content = text_for_people(message)
        state, wide = self._state, self.width >= 60
        answers = message.reply_to is not None
        indent = (8 if wide else 3) if answers else (6 if wide else 2)
        head = _message_head(message, state)
        quoted = answers and not _follows_its_question(message, before) and not _is_turn_answer(state, message.reply_to)
        made = [_quote_row(message, state, self.width)] if quoted else []
        body = _message_body(content, self.width - indent, unfolded)
        if "@" in content and not has_no_text(message):
            me = state.me if message.from_ != state.me else ""
            body = [mark_mentions(row, me, state.members, state.names) for row in body]
        if self.marks is not None:
            body = [self.marks.mark(row) for row in body]
            head = mark_target(head) if self.marks.target == message.seq else head
        body = with_refusal_style(message, body)
        room = self.width - width_of_row(head)
        single = not has_markdown(content) and len(body) == 1
        if single and width_of(content) <= room:
            made.append((*head, *body[0]))
        else:
            made += [head, *(((("", " " * indent)), *row) for row in body)]
        if tally := state.tally_of(message):
            made += [
                (("", " " * indent), ("class:dim", row))
                for row in wrap_text(clean_for_screen(tally), self.width - indent)
            ]
        made += note_rows(message, indent, self.width)
        made += _attachment_rows(message, indent, self.width, unfolded)
        made += mark_rows(message.seq, state.marks, indent, self.width)
        replaced = message.seq in state.marks.replaced  # its receipts would only say so again
        if message.from_ == state.me and not replaced and (ladder := state.ladders.get(message.seq)):
            made += receipt_rows(ladder, indent, self.width)
        return made


def _chosen_rows(rows: list[Row], width: int) -> list[Row]:
    """The message that is chosen in select mode, over the whole width. A rule above it is not part of it."""
    return [row if _is_rule(row) else _reversed(row, width) for row in rows]


def _is_rule(row: Row) -> bool:
    return len(row) == 1 and row[0][1].startswith("─")


def _reversed(row: Row, width: int) -> Row:
    rest = " " * max(0, width - width_of_row(row))
    return tuple((f"{style} reverse".strip(), text) for style, text in (*row, ("", rest)))


def _gateway_text(message: Message, me: str, unfolded: bool) -> str:
    """The gateway's message. Of a prompt for a speaker only the first line; the rest is for the agent. What it says to
    another member alone is read by observers, too, who are not the "you" in it."""
    whole = unfolded or message.kind is MessageKind.SYSTEM
    is_for_others = whole and message.recipients and me not in message.recipients
    to = f"to {', '.join(message.recipients)}: " if is_for_others else ""
    return to + (message.content if whole else message.content.partition("\n")[0])


def _message_head(message: Message, state: ChatState) -> Row:
    """`12:03 claude (coder) → alice #812  `"""
    sender = state.members.get(message.from_)
    parts = [
        ("class:dim", f"{time_of_day(message.timestamp)} "),
        (state.names.style_of(message.from_), clean_for_screen(message.from_)),
    ]
    if message.recipients:
        parts.insert(1, ("class:dim", f"{LOCK} "))
    if message.reply_to is not None:
        parts.insert(1, ("class:dim", "↳ "))
    if sender is not None and sender.role:
        parts.append(("class:dim", clean_for_screen(f" ({sender.role})")))
    if to := message.recipients or message.wakes:
        parts.append(("class:dim", f" → {', '.join(to)}"))
    if message.replaces is not None:
        parts.append(("class:dim", f" (instead of #{message.replaces})"))
    if message.aside:
        parts.append(("class:dim", " (out of turn)"))
    if message.urgent:
        parts.append(("class:urgent", _urgency_marks(message)))
    return (*parts, ("class:dim", f" #{message.seq}"), *proof_fragments(message), ("", "  "))


def _urgency_marks(said: Message | AddressedText) -> str:
    """The mark as it was typed: `!!` if it ends the running turn."""
    return "" if not said.urgent else " !!" if said.interrupt else " !"


def outgoing_rows(one: OutgoingMessage, me: str, width: int) -> list[Row]:
    """A message that is being sent, dim, in as many rows as it takes once it is stored and has receipts."""
    indent = 6 if width >= 60 else 2
    to = f" → {', '.join(one.names)}" if one.names else ""
    lock = f"{LOCK} " if one.direct else ""
    head = clean_for_screen(f"{time_of_day(one.timestamp)} {lock}{me}{to}{_urgency_marks(one.said)} #…  ")
    body = ["".join(text for _, text in row) for row in _message_body(one.said.text, width - indent, unfolded=False)]
    if len(body) == 1 and width_of(head) + width_of(body[0]) <= width:
        lines = [head + body[0]]
    else:
        lines = [head, *(" " * indent + row for row in body)]
    made: list[Row] = [(("class:dim", line),) for line in lines]
    style = "class:bad" if one.stage is SendStage.REFUSED else "class:dim"
    told = wrap_text(clean_for_screen(_send_state_text(one)), width - indent)
    return [*made, *((("", " " * indent), (style, row)) for row in told)]


def unfinished_rows(one: UnfinishedText, state: ChatState, width: int) -> list[Row]:
    """What somebody has said so far: the last rows of it, dim, until the message itself is there."""
    indent = 6 if width >= 60 else 2
    found = wrap_text(clean_for_screen(one.text.strip("\n")), width - indent)
    kept = found[-FOLDED_ROWS:]
    lock = f"{LOCK} " if one.to else ""
    head: Row = (
        ("class:dim", f"  ··· {lock}"),
        (state.names.style_of(one.member), clean_for_screen(one.member)),
        ("class:dim", " writes" + (", the last rows:" if len(kept) < len(found) else ":")),
    )
    return [head, *((("", " " * indent), ("class:dim", row)) for row in kept)]


def _send_state_text(one: OutgoingMessage) -> str:
    match one.stage:
        case SendStage.SENDING:
            return "· sending"
        case SendStage.ACCEPTED:
            return "· sent"
        case SendStage.REFUSED:
            return f"✗ not sent: {one.reason} The Up key brings it back."


def _follows_its_question(message: Message, before: StreamEntry | None) -> bool:
    """Whether it is directly below the message that it answers, or below another answer to that one."""
    return isinstance(before, Message) and message.reply_to in (before.seq, before.reply_to)


def _is_turn_answer(state: ChatState, number: int | None) -> bool:
    """The answer to a turn prompt: the row above it already shows whose turn it was."""
    asked = state.stream.message(number or 0)
    return asked is not None and asked.kind is MessageKind.TASK and asked.from_ == SYSTEM_NAME


def _quote_row(message: Message, state: ChatState, width: int) -> Row:
    number = message.reply_to or 0
    asked = state.stream.message(number)
    words = f"{asked.from_}: {' '.join(readable_content(asked).split())}" if asked else "an earlier message"
    tail = f" (#{number})"
    return (("class:dim", f"      ┌ {fit_to_width(clean_for_screen(words), max(8, width - 8 - len(tail)))}{tail}"),)


def _message_body(content: str, width: int, unfolded: bool) -> list[Row]:
    if unfolded:
        return list(text_rows(content, width))
    found = list(text_rows(content[:MAX_FOLDED_CHARS], width))
    if len(found) <= FOLD_ABOVE_ROWS and len(content) <= MAX_FOLDED_CHARS:
        return found
    kept = found[:FOLDED_ROWS]
    more = "more" if len(content) > MAX_FOLDED_CHARS else f"{len(found) - FOLDED_ROWS} more rows"
    return [*kept, (("class:fold", fit_to_width(f"… {more}, F3 unfolds", width)),)]


def _attachment_rows(message: Message, indent: int, width: int, unfolded: bool) -> list[Row]:
    """The attachments: folded to name and length, or complete behind a bar."""
    found, inner, left = attachments_of(message), max(8, width - indent - 2), ("", " " * indent)
    shown_now = found if unfolded else found[:MAX_SHOWN_ATTACHMENTS]
    made: list[Row] = []
    for one in shown_now:
        hint = "; F3 unfolds" if one.text and not unfolded else ""
        made.append(
            (left, ("class:fold", fit_to_width(f"+ {clean_line_for_screen(one.summary)}", inner - len(hint)) + hint))
        )
        rest = wrap_text(clean_for_screen(one.text.removesuffix("\n")), inner) if one.text and unfolded else ()
        made += [(left, ("class:dim", "│ "), ("", row)) for row in rest]
    if len(shown_now) < len(found):
        made.append((left, ("class:fold", f"+ {len(found) - len(shown_now)} more; F3 unfolds")))
    return made


def _notice_rows(notice: Notice, width: int) -> list[Row]:
    style = {Tone.QUIET: "class:dim", Tone.GOOD: "class:good", Tone.BAD: "class:bad", Tone.PLAIN: ""}[notice.tone]
    time = time_of_day(notice.timestamp) + " " if notice.timestamp else "      "
    lines = wrap_text(clean_for_screen(notice.text), width - len(time))
    return [
        ((("class:dim", time if not number else " " * len(time))), (style, line)) for number, line in enumerate(lines)
    ]


def _day_rows(entry: StreamEntry, before: StreamEntry | None, width: int) -> list[Row]:
    stamp, last = _entry_time(entry), _entry_time(before) if before is not None else ""
    if not day_of(stamp) or day_of(last) == day_of(stamp) or (before is not None and not day_of(last)):
        return []
    return [_rule_row(day_of(stamp), width, "class:dim")]


def _entry_time(entry: StreamEntry) -> str:
    return entry.opened if isinstance(entry, QuestionView) else entry.timestamp


def _rule_row(text: str, width: int, style: str) -> Row:
    words = fit_to_width(f" {text} ", width)
    left = max(0, (width - width_of(words)) // 2)
    return ((style, "─" * left + words + "─" * max(0, width - left - width_of(words))),)


def _ended_ask_rows(ask: QuestionView, width: int, unfolded: bool) -> list[Row]:
    time = time_of_day(ask.opened) + " "
    return [
        (("class:dim", time if not number else " " * len(time)), *row)
        for number, row in enumerate(ended_rows(ask, width - len(time), unfolded=unfolded))
    ]


def decision_card_rows(card: DecisionCard, width: int, *, chosen: bool) -> list[Row]:
    """A decision that this person can answer; one line once it cannot be answered."""
    edge, one = "class:ask.chosen" if chosen else "class:ask", card.decision
    if not card.open:
        return _notice_rows(Notice(f"{one.id}: {' '.join(one.question.split())} – {card.outcome}", one.at), width)
    inner = max(10, width - 4)
    title = wrap_text(clean_for_screen(f"{one.by} asks ({one.id}, {one.rule}): {one.question}"), inner)
    made: list[Row] = [((edge, "┃ "), ("bold", line)) for line in title]
    for option in card.choices:
        made += [
            (
                (edge, "┃ "),
                (edge, f" {clean_for_screen(option.key)} "),
                ("", " " + fit_to_width(clean_for_screen(option.text), inner - 4)),
            )
        ]
    if tally := tally_line(one):
        made += [((edge, "┃ "), ("", line)) for line in wrap_text(clean_for_screen(tally), inner)]
    keys = "press its key, Esc leaves it" if chosen else f"F2 to answer, or /vote {one.id}"
    return [*made, ((edge, "┃ "), ("class:dim", fit_to_width(keys, inner)))]
