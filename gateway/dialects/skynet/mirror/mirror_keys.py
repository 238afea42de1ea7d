"""The keys of Skynet's namespaces, and what belongs under each: hashes of JSON values, lists, strings. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from gateway.dialects.skynet import name_mapping
from gateway.dialects.skynet.wire.message_ids import MessageIds, id_of_message
from gateway.dialects.skynet.wire.messages import skynet_message_fields
from gateway.model.state import GatewayState
from gateway.protocol import codec
from gateway.protocol.events import Message
from gateway.protocol.results import ContextDocument
from gateway.protocol.types.core_types import GLOBAL_SCOPE, Presence
from gateway.protocol.types.session_types import Session
from gateway.protocol.types.timestamps import iso_from_seconds

MAX_HISTORY_MESSAGES = 1000
PRESENCE_TTL_S = 60
MAX_SNAPSHOTS = 10
REGISTRY_KEY = "groupchat:{main}:mirror"  # which keys are ours, so that nobody else's are ever deleted
SNAPSHOT_PREFIX = "snapshot:"

Word: TypeAlias = str | bytes | int
Command: TypeAlias = tuple[Word, ...]
Fields: TypeAlias = Mapping[str, Any]


def key_of_context(state: GatewayState, scope: str) -> str:
    """The key for the documents of a member, or for those of everyone."""
    whole = scope == GLOBAL_SCOPE
    return f"context:{name_mapping.GLOBAL_AGENT if whole else name_mapping.agent_id_of(state, scope[1:])}"


def key_of_session(name: str) -> str:
    return f"session:{name}"


def key_of_history(state: GatewayState, member: str) -> str:
    return f"history:{name_mapping.agent_id_of(state, member)}"


def key_of_presence(state: GatewayState, member: str) -> str:
    return f"presence:{name_mapping.agent_id_of(state, member)}"


def key_of_channel(room: str) -> str:
    return f"channel:{name_mapping.channel_for_room(room)}"


def key_of_snapshot(now: float) -> str:
    return f"{SNAPSHOT_PREFIX}{iso_from_seconds(now)}"


# values


def context_hash(document: ContextDocument) -> Fields:
    own = {"_agent_id": document.by, "_updated_at": document.at, "_version": document.version}
    return {**document.document, **own}


def session_hash(state: GatewayState, session: Session, said: Sequence[Message], metadata: Mapping[str, Any]) -> Fields:
    goal = {"goal": session.goal} if session.goal else {}
    deadline = {"deadline": session.deadline} if session.deadline else {}
    return {
        "session_id": session.name,
        "participants": [name_mapping.agent_id_of(state, one) for one in session.participants],
        "status": str(session.status),
        "created_at": session.at,
        "messages": [_session_message(state, one) for one in said],
        "metadata": {**metadata, **goal, **deadline},
    }


def _session_message(state: GatewayState, message: Message) -> Fields:
    to = [name_mapping.agent_id_of(state, one) for one in message.recipients]
    return {
        "from": name_mapping.sender_id(state, message.from_),
        "to": to[0] if len(to) == 1 else to or None,
        "timestamp": message.timestamp,
        "message_id": id_of_message(message),
    }


def channel_hash(state: GatewayState, room: str) -> Fields:
    record = state.rooms[room]
    return {
        "channel": name_mapping.channel_for_room(room),
        "topic": record.topic,
        "invite_only": record.invite_only,
        "subscribers": [name_mapping.agent_id_of(state, one) for one in sorted(state.in_room[room])],
    }


def agent_in_snapshot(state: GatewayState, member: str, now: float) -> Fields:
    record = state.members[member].member
    return {
        "agent_id": name_mapping.agent_id_of(state, member),
        "agent_type": name_mapping.type_of(record),
        "kind": str(record.kind),
        "presence": presence_word(state.presence(record, now)),
        "channels": [name_mapping.channel_for_room(one) for one in sorted(state.rooms_of[member])],
    }


def presence_word(presence: Presence) -> str:
    """Skynet knows two."""
    return "online" if presence is Presence.ONLINE else "offline"


def history_entry(state: GatewayState, ids: MessageIds, message: Message) -> bytes:
    channel = name_mapping.channel_for_room(message.room)
    return codec.encode(skynet_message_fields(state, ids, message, channel))


# commands


def replace_hash(key: str, fields: Fields | None) -> Sequence[Command]:
    """Each value is JSON. No fields: the key is gone."""
    if fields is None:
        return [("DEL", key), ("SREM", REGISTRY_KEY, key)]
    words = [word for name, value in fields.items() for word in (name, codec.encode(value))]
    return [("DEL", key), ("HSET", key, *words), ("SADD", REGISTRY_KEY, key)]


def replace_list(key: str, entries: Sequence[bytes]) -> Sequence[Command]:
    return [("DEL", key), *append_to_list(key, entries)] if entries else [("DEL", key), ("SREM", REGISTRY_KEY, key)]


def append_to_list(key: str, entries: Sequence[bytes]) -> Sequence[Command]:
    return [("RPUSH", key, *entries), ("LTRIM", key, -MAX_HISTORY_MESSAGES, -1), ("SADD", REGISTRY_KEY, key)]


def set_presence(key: str, word: str) -> Command:
    return ("SET", key, word, "EX", PRESENCE_TTL_S)


def add_snapshot(key: str, body: bytes, known: Iterable[str]) -> Sequence[Command]:
    """Only the newest are kept. Times as text are in order."""
    older = sorted(snapshots_in(known))[: -(MAX_SNAPSHOTS - 1)]
    return [("SET", key, body), ("SADD", REGISTRY_KEY, key), *forget(older)]


def snapshots_in(keys: Iterable[str]) -> set[str]:
    return {one for one in keys if one.startswith(SNAPSHOT_PREFIX)}


def added_by(commands: Iterable[Command]) -> set[str]:
    return {str(key) for name, _, *keys in commands if name == "SADD" for key in keys}


def removed_by(commands: Iterable[Command]) -> set[str]:
    return {str(key) for name, _, *keys in commands if name == "SREM" for key in keys}


def forget(keys: Iterable[str]) -> Sequence[Command]:
    gone = tuple(keys)
    return [("DEL", *gone), ("SREM", REGISTRY_KEY, *gone)] if gone else []
