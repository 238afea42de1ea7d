"""What the chat's commands about rooms do."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable
from typing import Protocol

from controller.chat.actions import key_actions
from controller.chat.actions.action_interface import ActionResult
from controller.chat_commands.command_table import ParsedCommand
from controller.chat_commands.mode_commands import split_names
from controller.requests.encryption.member_client import sealing_client
from controller.requests.invitations import invite_members
from controller.view.stream import list_overlay
from controller.wording.invitation_text import invited_text, kicked_text
from gateway.client.paged_requests import fetch_all_pages
from gateway.protocol.errors import BadRequest, Forbidden
from gateway.protocol.requests.mark_requests import Mute
from gateway.protocol.requests.room_requests import CreateRoom, Join, Kick, Rooms, SetTopic
from gateway.protocol.results import Done, RoomList
from gateway.protocol.text.addressing import AddressedText, parse_line
from gateway.protocol.types.core_types import Room

SEALED_OPTION = "--sealed"


class RoomContext(key_actions.KeyContext, Protocol):
    """What an action about rooms needs of the chat."""

    async def enter(self, room: str) -> None: ...

    async def say_in_public(self, said: AddressedText, line: str, wakes: tuple[str, ...]) -> None: ...


async def show_rooms(chat: RoomContext, order: ParsedCommand) -> ActionResult:
    found = await fetch_all_pages(chat.client.request, Rooms(), RoomList)
    mine = chat.state.own_rooms()
    joined = sorted((one for one in found.rooms if one.name in mine), key=lambda one: mine.index(one.name))
    others = [one for one in found.rooms if one.name not in mine]
    pairs = [(f"{number} {_room_name(chat, one)}", _room_line(chat, one)) for number, one in enumerate(joined, 1)]
    pairs += [(f"  {one.name}", f"{_room_line(chat, one)} · /join {one.name}") for one in others]
    return list_overlay.overlay_of_pairs("Rooms", pairs)


def _room_name(chat: RoomContext, room: Room) -> str:
    return f"* {room.name}" if room.name == chat.state.room else room.name


def _room_line(chat: RoomContext, room: Room) -> str:
    unread = chat.state.unread.get(room.name, 0)
    parts = [
        *([f"{unread} unread"] if unread else []),
        *(["muted"] if room.name in chat.state.muted else []),
        *(["sealed"] if room.sealed else ["by invitation"] if room.invite_only else []),
        *([] if room.sealed else [room.topic or "no topic"]),
        _people_of(room),
    ]
    return " · ".join(filter(None, parts))


def _people_of(room: Room) -> str:
    """Nothing for a room by invitation that shows no members: they are not shown to everybody."""
    if not room.members and room.invite_only:
        return ""
    return ", ".join(room.members) or "nobody"


async def enter_room(chat: RoomContext, order: ParsedCommand) -> ActionResult:
    """Who was put out is not told so as the others are, so a room that looks like one of ours is joined, too."""
    room = order.values["room"]
    if room in chat.state.own_rooms():
        with contextlib.suppress(Forbidden):
            await chat.client.request(Join(room=room), Done)
    return await _join_and_show(chat, room)


async def switch_room(chat: RoomContext, order: ParsedCommand) -> ActionResult:
    """A name wins over a number: a room can be called 2."""
    wanted = order.values["number or name"]
    mine = chat.state.own_rooms()
    number = int(wanted) if wanted.isdecimal() and wanted not in mine else 0
    if not number:
        return await _join_and_show(chat, wanted)
    room = chat.state.room_at(number)
    if room is None:
        how_many = f"{len(mine)} room{'s' * (len(mine) != 1)}"
        raise BadRequest(f"You are in {how_many}, so there is no room {number}. /rooms lists them.")
    return await _join_and_show(chat, room)


async def _join_and_show(chat: RoomContext, room: str) -> str:
    if room not in chat.state.own_rooms():
        await chat.client.request(Join(room=room), Done)
    await chat.enter(room)
    return f"This is {room}."


async def create_and_show_room(chat: RoomContext, order: ParsedCommand) -> ActionResult:
    room, topic = order.values["room"], order.get("topic") or ""
    if topic.strip() == SEALED_OPTION:
        await sealing_client(chat.client).create_sealed_room(room)
    else:
        await chat.client.request(CreateRoom(room=room, topic=topic), Done)
    await chat.enter(room)
    return f"{room} is created. /invite NAME brings an agent in."


async def invite_to_room(chat: RoomContext, order: ParsedCommand) -> ActionResult:
    room, names = chat.state.room, _names_of(order)
    if chat.state.is_sealed(room):
        return await key_actions.admit_to_sealed_room(chat, room, names)
    _, members = await invite_members(chat.client, room, names)
    return invited_text(room, names, members)


async def admit_to_shown_room(chat: RoomContext, order: ParsedCommand) -> ActionResult:
    if not chat.state.is_sealed(chat.state.room):
        raise BadRequest(f"#{chat.state.room} is not sealed: /invite brings members in.")
    return await key_actions.admit_to_sealed_room(chat, chat.state.room, _names_of(order))


def _names_of(order: ParsedCommand) -> tuple[str, ...]:
    given = f"{order.values['name']},{','.join((order.get('more names') or '').split())}"
    return tuple(dict.fromkeys(split_names(given)))


async def kick_from_room(chat: RoomContext, order: ParsedCommand) -> ActionResult:
    name = order.values["name"]
    await chat.client.request(Kick(room=chat.state.room, member=name), Done)
    return kicked_text(chat.state.room, name, sealed=chat.state.is_sealed(chat.state.room))


async def set_topic_of_shown_room(chat: RoomContext, order: ParsedCommand) -> ActionResult:
    room, text = chat.state.room, order.get("text")
    if text:
        await chat.client.request(SetTopic(room=room, topic=text), Done)
        return f"The topic of {room} is set."
    known = chat.state.rooms.get(room)
    return (
        f"The topic of {room}: {known.topic}" if known and known.topic else f"{room} has no topic; /topic TEXT sets it."
    )


async def mute_named_room(chat: RoomContext, order: ParsedCommand) -> ActionResult:
    room = order.get("room") or chat.state.room
    await chat.client.request(Mute(room=room, on=True), Done)
    return f"{room} is muted: no bell, no unread count. /unmute {room} ends that."


async def unmute_named_room(chat: RoomContext, order: ParsedCommand) -> ActionResult:
    room = order.get("room") or chat.state.room
    await chat.client.request(Mute(room=room, on=False), Done)
    return f"{room} is no longer muted."


async def say_to_one_in_public(chat: RoomContext, order: ParsedCommand) -> ActionResult:
    """The text keeps its marks of urgency; an address in it is text."""
    name, text = order.values["name"], order.values["text"]
    said = parse_line(text)
    if not isinstance(said, AddressedText) or said.to:
        said = AddressedText((), text)
    await chat.say_in_public(said, f"/to {name} {text}", split_names(name))
    return None


ROOM_ACTIONS: dict[str, Callable[[RoomContext, ParsedCommand], Awaitable[ActionResult]]] = {
    "rooms": show_rooms,
    "room": switch_room,
    "join": enter_room,
    "create": create_and_show_room,
    "invite": invite_to_room,
    "admit": admit_to_shown_room,
    "kick": kick_from_room,
    "topic": set_topic_of_shown_room,
    "mute": mute_named_room,
    "unmute": unmute_named_room,
    "to": say_to_one_in_public,
}
