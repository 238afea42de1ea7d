"""AgentChat's protocol (0.3), for its existing clients: `--listen agentchat=127.0.0.1:6667`.

The dialect knows no authentication. What a process on this machine may do here **without a token**, and nothing more:

- have an id of its own while it is connected, or one by the public key it shows. Such *guests* can never speak for, nor
  read what is meant for, anybody else; but whoever shows the key of a guest that is not connected is taken for it,
  unless that key has been proven once: from then on only with a proof.
- join the rooms that are open, make rooms and invite into those it is in, speak there and to one other, as an agent
  does: nothing urgent, no keys, no pauses, no approvals.
- see the last messages of a room that it joins, and who is there. A room by invitation is seen by
  who is in it or invited.

From another machine there is nothing without a token. A token (`?token=`, `/t/TOKEN/` before any path, or a header)
makes the caller its member, whatever name it gives. Whoever shares a machine with people they do not trust leaves it
off.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
import time
from functools import partial

import structlog
from aiohttp import web

from gateway.access.rate_limit import Rate, TokenBuckets
from gateway.api import auth
from gateway.api.catch_up import catch_up
from gateway.api.error_responses import settled_error, translate_errors
from gateway.api.websocket_base import serve_socket
from gateway.dialects.agentchat import frames, name_mapping, proposals
from gateway.dialects.agentchat.channels import IDENTIFY_TIMEOUT_S, ChannelRegistry
from gateway.dialects.agentchat.client_connection import AgentChatMember
from gateway.dialects.anonymous_access import ANY_PATH, caller_of
from gateway.dialects.shared_room_lookup import common_room
from gateway.model.records.stored_records import RoomRecord
from gateway.operations import dispatch
from gateway.operations.messages import message_queries
from gateway.protocol.errors import (
    BadRequest,
    Forbidden,
    GroupChatError,
    NotFound,
    RoomExists,
    TooLarge,
    UnknownRoom,
)
from gateway.protocol.requests.message_requests import Send
from gateway.protocol.requests.room_requests import CreateRoom, Invite, Join, Leave
from gateway.protocol.types.core_types import DEFAULT_ROOM, Signed
from gateway.runtime.hub import Hub
from gateway.store import MessageQuery, Viewer

log = structlog.get_logger("gateway.agentchat")

PROPOSAL_RATE = Rate(
    2 * proposals.MAX_OPEN_PROPOSALS, 10
)  # the limit on open proposals applies first; its error says what to do
CHANNELS_KEY: web.AppKey[ChannelRegistry] = web.AppKey("channels", ChannelRegistry)


def make_agentchat_app(hub: Hub, patience: float = IDENTIFY_TIMEOUT_S) -> web.Application:
    app = web.Application(middlewares=[translate_errors])
    app[auth.HUB] = hub
    app[CHANNELS_KEY] = ChannelRegistry(hub, patience)
    app.on_startup.append(_start_channels)
    app.on_cleanup.append(_stop_channels)
    app.add_routes([web.get(path, serve_agentchat) for path in ANY_PATH])
    return app


async def _start_channels(app: web.Application) -> None:
    app[CHANNELS_KEY].start()


async def _stop_channels(app: web.Application) -> None:
    app[CHANNELS_KEY].stop()


async def serve_agentchat(request: web.Request) -> web.StreamResponse:
    hub, channels, caller = request.app[auth.HUB], request.app[CHANNELS_KEY], await caller_of(request)

    def begin(transport: asyncio.Transport) -> AgentChatConnection:
        received = partial(auth.mark_received, request.app, transport)
        return AgentChatConnection(hub, channels, AgentChatMember(hub, channels, caller, transport, received))

    return await serve_socket(request, begin)


class AgentChatConnection:
    """Handles a client's requests, frame by frame."""

    def __init__(self, hub: Hub, channels: ChannelRegistry, member: AgentChatMember) -> None:
        self._hub = hub
        self._channels = channels
        self._member = member
        self._messages = TokenBuckets(hub.config.guest_rate)
        self._channel_work = TokenBuckets(hub.config.guest_rate)
        self._deals = TokenBuckets(PROPOSAL_RATE)

    # frames

    async def receive(self, data: str | bytes) -> None:
        try:
            await self._do(frames.decode_client_frame(data))
        except Exception as failure:
            name = self._member.name if self._member.who else None
            self._member.refuse(await settled_error(self._hub, failure, member=name))

    async def _do(self, frame: frames.AgentChatFrame) -> None:  # noqa: C901 - one line for each frame
        match frame:
            case frames.IdentifyRequest():
                await self._member.identify(frame)
            case frames.ProveRequest():
                await self._member.prove(frame)
            case frames.PingRequest():
                self._member.tell("PONG")
            case frames.ListChannelsRequest():
                await self._list_channels()
            case frames.ListAgentsRequest():
                await self._list_agents(frame.channel)
            case frames.JoinRequest():
                await self._join(frame.channel)
            case frames.LeaveRequest():
                await self._leave_channel(frame.channel)
            case frames.MessageRequest():
                await self._say(frame)
            case frames.CreateChannelRequest():
                await self._create(frame)
            case frames.InviteRequest():
                await self._invite(frame)
            case frames.ProposeRequest():
                await self._propose(frame)
            case _:
                await self._answer(frame)

    def mark_alive(self, pong: bytes | None) -> None:
        self._member.connection.mark_alive()

    def close(self) -> None:
        self._member.close()

    # channels

    async def _list_channels(self) -> None:
        await self._hub.answers.wait_until_settled()
        state = self._hub.state
        self._channels.refresh()
        rooms = sorted(one.name for one in state.rooms.values() if not (one.invite_only or one.removed))
        listed = [
            {"name": name_mapping.channel_of_room(room), "agents": len(self._channels.here(room))} for room in rooms
        ]
        self._member.tell("CHANNELS", list=listed)

    async def _list_agents(self, channel: str) -> None:
        await self._hub.answers.wait_until_settled()
        record = name_mapping.require_room(self._hub.state, channel)
        if not self._may_know(record):
            raise UnknownRoom(f"There is no channel {channel}.")
        self._channels.refresh(record.name)
        here = self._channels.here(record.name)
        self._member.tell("AGENTS", channel=channel, list=frames.agent_ids(self._hub.state, here))

    def _may_know(self, record: RoomRecord) -> bool:
        """Whether the client may know of the room: an invite-only room is hidden from outsiders, and a removed one from
        all."""
        return not record.removed and (not record.invite_only or self._is_inside(record))

    def _is_inside(self, record: RoomRecord) -> bool:
        return self._member.who is not None and self._member.name in self._hub.state.in_room[record.name]

    def _is_let_in(self, record: RoomRecord) -> bool:
        invited = self._member.who is not None and self._member.name in record.invited
        return invited or self._is_inside(record)

    async def _join(self, channel: str) -> None:
        self._member.known()
        record = name_mapping.require_room(self._hub.state, channel)
        if record.invite_only and not self._is_let_in(record):
            raise Forbidden(f"{channel} is invite-only. Ask one of its agents for an invitation.")
        actor = await self._member.arrive()
        self._hub.throttle.sends.take(actor.name, time.monotonic())
        await dispatch.run_operation(self._hub, actor, Join(room=record.name))
        await self._open(record.name, channel)

    async def _open(self, room: str, channel: str) -> None:
        """Send the latest messages from the log, then all that follow, with nothing lost or repeated."""
        connection, hub = self._member.connection, self._hub
        connection.live, connection.cursor = False, hub.committed_seq
        connection.hold_answers()
        seen = Viewer("", rooms=frozenset({room}))  # a viewer of no member, so private messages are not replayed
        query = MessageQuery(seen, room=room, before=connection.cursor + 1, limit=frames.MAX_REPLAYED_MESSAGES)
        try:
            found = await hub.store.messages(query)
            self._show(room, channel)
            for record in reversed(found):
                connection.say(
                    frames.channel_message_frame(
                        hub.state, message_queries.decode_message(record), channel, replay=True
                    )
                )
            await catch_up(hub, connection, connection.cursor)
        except GroupChatError as error:
            self._member.end(error)
        except BaseException:
            connection.abort()  # otherwise its answers would be held for ever
            raise

    def _show(self, room: str, channel: str) -> None:
        self._channels.refresh(room)
        self._member.joined[room] = channel
        self._channels.show(room, self._member.name)
        agents = frames.agent_ids(self._hub.state, self._channels.here(room))
        self._member.connection.say(self._member.framed("JOINED", channel=channel, agents=agents))

    async def _leave_channel(self, channel: str) -> None:
        self._member.known()
        record = name_mapping.room_of_channel(self._hub.state, channel)
        if record is None or not (record.name in self._member.joined or self._may_know(record)):
            return
        if self._member.joined.pop(record.name, None) is not None:
            self._channels.look(self._member.name)
            if record.name != DEFAULT_ROOM:  # all stay in the default room, so that any two can write to each other
                await dispatch.run_operation(self._hub, await self._member.arrive(), Leave(room=record.name))
        self._member.tell("LEFT", channel=channel, agent=f"@{self._member.id}")

    async def _create(self, frame: frames.CreateChannelRequest) -> None:
        self._spend(self._channel_work)
        if name_mapping.room_of_channel(self._hub.state, frame.channel) is not None:
            raise RoomExists(f"The channel {frame.channel} already exists. Choose another name.")
        room = name_mapping.room_name_for_channel(frame.channel)
        wish = CreateRoom(room=room, invite_only=bool(frame.invite_only))
        await dispatch.run_operation(self._hub, await self._member.arrive(), wish)
        self._show(room, frame.channel)

    async def _invite(self, frame: frames.InviteRequest) -> None:
        self._spend(self._channel_work)
        record = name_mapping.require_room(self._hub.state, frame.channel)
        self._check_inside(record, frame.channel)
        guest = await self._connected(frame.agent) or name_mapping.member_with_id(self._hub.state, frame.agent)
        if guest is None:
            raise NotFound(f"There is no agent {frame.agent[:80]}.")
        await dispatch.run_operation(self._hub, await self._member.arrive(), Invite(room=record.name, member=guest))

    def _check_inside(self, record: RoomRecord, channel: str) -> None:
        if record.name not in self._member.joined:
            raise Forbidden(f"You are not in {channel}. JOIN it first.")

    # messages

    def _spend(self, bucket: TokenBuckets) -> None:
        """Take from a rate limit. Messages have their own, so a client that has used it up can still invite, and make
        proposals."""
        bucket.take(f"@{self._member.id}", time.monotonic())

    async def _say(self, frame: frames.MessageRequest) -> None:
        self._spend(self._messages)
        if len(frame.content) > frames.MAX_CONTENT_CHARS:
            raise TooLarge(
                f"The content has {len(frame.content)} characters; the maximum is {frames.MAX_CONTENT_CHARS}."
            )
        signed = self._checked(frame)
        room, to = await self._addressed(frame.to)
        actor = await self._member.arrive()
        wish = Send(content=frame.content, room=room, to=to, id=_idempotence_key(signed), signed=signed)
        await dispatch.run_operation(self._hub, actor, wish)

    async def _propose(self, frame: frames.ProposeRequest) -> None:
        self._spend(self._deals)
        if not frame.task.strip():
            raise BadRequest("`task` is empty.")
        signed = proposals.check_signature(self._member.known().key, frame.sig, proposals.proposal_text(frame))
        meeting = await self._room_in_common(frame.to)
        rule_context, noise = self._hub.rule_context(), secrets.token_hex(4)
        outcome = proposals.propose_decision(
            self._hub.state, self._member.name, meeting, frame, signed, rule_context, noise
        )
        await self._hub.carry_out(outcome)

    async def _answer(self, frame: frames.ProposalAnswer) -> None:
        self._spend(self._deals)
        signed = proposals.check_signature(self._member.known().key, frame.sig, proposals.answer_text(frame))
        actor = await self._member.arrive()
        outcome = proposals.answer_proposal(self._hub.state, actor.name, frame, signed, self._hub.rule_context())
        await self._hub.carry_out(outcome)

    def _checked(self, frame: frames.MessageRequest) -> Signed | None:
        if frame.sig is None:
            return None
        key = self._member.known().key
        if key is None:
            raise BadRequest(
                "There is no key to check this signature. Send IDENTIFY with a public key, or leave out `sig`."
            )
        signed = frames.signed_message(frame, key.pem)
        if not key.signed(frames.text_to_sign(frame.to, frame.content, bytes(frame.ts).decode()), frame.sig):
            raise BadRequest("The signature does not match the message. Nothing was sent.")
        return signed

    async def _addressed(self, to: str) -> tuple[str, tuple[str, ...]]:
        """The room and the recipients of a message."""
        if to.startswith("#"):
            record = name_mapping.require_room(self._hub.state, to)
            self._check_inside(record, to)
            return record.name, ()
        meeting = await self._room_in_common(to)
        return meeting.room, (f"@{meeting.member}",)

    async def _room_in_common(self, agent: str) -> proposals.Meeting:
        """A room of which both are members, and the other one's name there."""
        if not agent.startswith("@"):
            raise BadRequest("`to` must be a #channel or an @agent; proposals go to an @agent.")
        target = await self._reachable(agent)
        await self._member.arrive()
        room = common_room(self._hub.state, self._member.name, target)
        if room is None:
            raise NotFound(f"Agent {agent[:80]} shares no room with you.")
        return proposals.Meeting(room, target)

    async def _connected(self, agent: str) -> str | None:
        if (client := self._channels.with_id(agent.removeprefix("@"))) is None:
            return None
        await client.arrive()
        return client.name

    async def _reachable(self, agent: str) -> str:
        """The member with this id: one that is connected here, or one that the message can reach now or later."""
        if (name := await self._connected(agent)) is not None:
            return name
        name = name_mapping.member_with_id(self._hub.state, agent)
        record = self._hub.state.members[name] if name else None
        if (
            record is None
            or name_mapping.is_agentchat_guest(record)
            or (record.member.hidden and not record.member.inbox)
        ):
            raise NotFound(f"There is no agent {agent[:80]} here.")
        return record.member.name


def _idempotence_key(signed: Signed | None) -> str | None:
    """The idempotency key: a repeated signed message is not posted again, whoever sends it."""
    return None if signed is None else f"agentchat-{hashlib.sha256(signed.signature.encode()).hexdigest()[:32]}"
