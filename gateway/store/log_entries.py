"""Encodes a log event for the store and the wire. Pure."""

from __future__ import annotations

from gateway.model.deliveries.delivery_states import NORMAL_RANK, rank
from gateway.model.rule_outcome import EventToCommit, StateChange, StoreOnlyDocument
from gateway.protocol import codec
from gateway.protocol.events import AskEvent, Control, Durable, KeyEvent, MemberEvent, Message, Receipt, ToolEvent
from gateway.store import Document, LogEntry, StoredEvent


def encode_event(fact: EventToCommit) -> tuple[LogEntry, StoredEvent]:
    """The event is encoded once; the same bytes are stored and pushed."""
    event = fact.event
    raw = codec.encode(event)
    record = StoredEvent(event.seq, kind_of(event), room_of_event(event), sender_of(event), fact.ends, raw)
    entry = LogEntry(
        seq=event.seq,
        kind=record.kind,
        event=raw,
        room=record.room,
        sender=record.sender,
        client_id=fact.client_id,
        ends=fact.ends,
        about=_number_of_subject(fact),
        text=event.content if isinstance(event, Message) else None,
        deliveries=fact.deliveries,
        rank=rank(event.urgent, event.priority) if isinstance(event, Message) else NORMAL_RANK,
        deadline=fact.deadline,
        documents=tuple(_state_document(change) for change in fact.changes),
        asides=tuple(_state_document(aside) for aside in fact.store_only_documents),
    )
    return entry, record


def _number_of_subject(fact: EventToCommit) -> int | None:
    """The event that this one is about: a receipt tells of a message, and a message answers one."""
    match fact.event:
        case Receipt(message=message):
            return message
        case Message(reply_to=message):
            return message
    return fact.about


def _state_document(change: StateChange | StoreOnlyDocument) -> Document:
    return Document(change.kind, change.key, None if change.value is None else codec.encode(change.value))


def kind_of(event: Durable) -> str:
    return str(event.__struct_config__.tag)


def room_of_event(event: Durable) -> str | None:
    return None if isinstance(event, MemberEvent | KeyEvent | Control | AskEvent | ToolEvent) else event.room


def sender_of(event: Durable) -> str | None:
    return event.from_ if isinstance(event, Message | Control) else None


def touched_members(event: Durable) -> tuple[str, ...]:
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


def trace_of_event(event: Durable) -> str | None:
    return event.trace or event.id if isinstance(event, Message) else None
