"""What one fact is in the store and on the wire. Pure."""

from __future__ import annotations

from gateway.model.delivery_states import NORMAL_RANK, rank
from gateway.model.log_events import Aside, Change, Fact
from gateway.protocol import codec
from gateway.protocol.events import AskEvent, Control, Durable, MemberEvent, Message, Receipt
from gateway.store import Document, Entry, Record


def written(fact: Fact) -> tuple[Entry, Record]:
    """The event is encoded once; the same bytes are stored and pushed."""
    event = fact.event
    raw = codec.encode(event)
    record = Record(event.seq, kind_of(event), room_of(event), sender_of(event), fact.ends, raw)
    entry = Entry(
        seq=event.seq,
        kind=record.kind,
        event=raw,
        room=record.room,
        sender=record.sender,
        client_id=fact.client_id,
        ends=fact.ends,
        about=event.message if isinstance(event, Receipt) else fact.about,
        text=event.content if isinstance(event, Message) else None,
        deliveries=fact.deliveries,
        rank=rank(event.urgent, event.priority) if isinstance(event, Message) else NORMAL_RANK,
        deadline=fact.deadline,
        documents=tuple(_document(change) for change in fact.changes),
        asides=tuple(_document(aside) for aside in fact.asides),
    )
    return entry, record


def _document(change: Change | Aside) -> Document:
    return Document(change.kind, change.key, None if change.value is None else codec.encode(change.value))


def kind_of(event: Durable) -> str:
    return str(event.__struct_config__.tag)


def room_of(event: Durable) -> str | None:
    return None if isinstance(event, MemberEvent | Control | AskEvent) else event.room


def sender_of(event: Durable) -> str | None:
    return event.from_ if isinstance(event, Message | Control) else None


def members_touched(event: Durable) -> tuple[str, ...]:
    match event:
        case MemberEvent(member=member):
            return (member.name,)
        case Control(to=names):
            return names
        case Message(from_="system", context={"continued": {"members": [*names]}}):
            return tuple(names)
        case Message() if event.hops:
            return (event.from_, *event.deliveries)
    return ()


def trace_of(event: Durable) -> str | None:
    return event.trace or event.id if isinstance(event, Message) else None
