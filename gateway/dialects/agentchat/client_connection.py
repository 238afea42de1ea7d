"""One connection of AgentChat: its identity, its channels, and the frames that are sent to it."""

from __future__ import annotations

import asyncio
import secrets
import string
from collections.abc import Callable
from typing import Any

from gateway.access.permissions import Actor
from gateway.api import stream_frames
from gateway.api.error_responses import error_to_tell
from gateway.dialects.agentchat import frames, name_mapping, proposals
from gateway.dialects.agentchat.channels import ChannelRegistry, note_failure
from gateway.dialects.agentchat.identity import ClaimedIdentity, check_proof, claim_identity, identity_obstacle
from gateway.dialects.agentchat.name_mapping import AGENTCHAT
from gateway.model.records.stored_records import MemberRecord
from gateway.operations.members import hello_operation
from gateway.protocol.errors import BadRequest, GroupChatError, Unauthorized
from gateway.protocol.events import DecisionEvent, Message, RoomAction, RoomEvent
from gateway.protocol.requests.connection_requests import Hello
from gateway.protocol.results import Result
from gateway.push.event_broadcaster import Connection, OutgoingEvent
from gateway.rooms import guests
from gateway.runtime.hub import Hub

ID_ALPHABET = string.ascii_lowercase + string.digits


class AgentChatMember:
    """A client that is unknown until it identifies itself. It becomes a member only when it acts or is written to, so a
    client that only lists things leaves no record."""

    def __init__(
        self,
        hub: Hub,
        channels: ChannelRegistry,
        caller: Actor | None,
        transport: asyncio.Transport,
        received: Callable[[], None],
    ) -> None:
        """`received` is called once the client has identified itself."""
        self.joined: dict[str, str] = {}
        self._hub = hub
        self._channels = channels
        self._caller = caller
        self._transport = transport
        self._received = received
        self._shared = hub.streams.renderer(frames.channel_renderer)
        self.connection = Connection("", transport, self._render)
        self.connection.keepalive = stream_frames.PING_FRAME
        self.connection.farewell = stream_frames.GOING_AWAY_FRAME
        self._who: ClaimedIdentity | None = None
        self._claim: ClaimedIdentity | None = None  # the identity that it claims and has not proven yet
        self._challenge = ""
        self._arrived = False
        hub.streams.strangers.add(transport)
        self._alarm = asyncio.get_running_loop().call_later(channels.patience, self._decide)

    # sending

    def say(self, frame: bytes) -> None:
        """Send a frame, after any running replay."""
        self.connection.answer(frame)

    def tell(self, kind: str, **fields: Any) -> None:
        self.say(self.framed(kind, **fields))

    def framed(self, kind: str, **fields: Any) -> bytes:
        return frames.encode_reply(kind, self._now(), **fields)

    def refuse(self, error: GroupChatError, **more: Any) -> None:
        self.say(frames.error_frame(error, self._now(), **more))

    def _now(self) -> int:
        return int(self._hub.now * 1000)

    def end(self, reason: GroupChatError | None = None) -> None:
        """Close the socket after the frames that are being sent; its handler does the rest."""
        if reason is not None:
            self._hub.metrics.note_refused(reason.code, self.name if self.who else None)
            self.connection.say(frames.error_frame(reason, self._now()))
        self.connection.flush()
        self.connection.close()

    def _render(self, outgoing: OutgoingEvent) -> bytes | None:
        """The frame of an event for this client: messages to it, and those in its channels."""
        record, event = outgoing.record, outgoing.event
        if isinstance(event, RoomEvent):
            invited = event.action is RoomAction.INVITED and event.member == self.name != event.by
            return frames.invitation_frame(self._hub.state, event, self.name) if invited else None
        if isinstance(event, DecisionEvent):
            return proposals.proposal_frame_for(self._hub.state, event, self.name)
        if not isinstance(event, Message) or proposals.is_told_in_frames(self._hub.state, event):
            return None
        # The last message to a room's remaining members names no recipient, and so is no direct message.
        if record.ends is not None and event.recipients:
            return frames.direct_message_frame(self._hub.state, event, self.name)
        spelled = self.joined.get(event.room)
        if spelled == name_mapping.channel_of_room(event.room):
            return outgoing.rendered(self._shared)
        return frames.channel_message_frame(self._hub.state, event, spelled) if spelled else None

    # identity

    @property
    def id(self) -> str:
        return self.known().id

    @property
    def name(self) -> str:
        return self.known().name

    @property
    def guest(self) -> MemberRecord | None:
        return self.known().guest

    @property
    def proven(self) -> bool:
        return self.known().proven

    @property
    def who(self) -> ClaimedIdentity | None:
        return self._who

    def known(self) -> ClaimedIdentity:
        if self._who is None:
            raise Unauthorized('Identify first: {"type":"IDENTIFY","name":"..."}.')
        return self._who

    async def identify(self, frame: frames.IdentifyRequest) -> None:
        if self._who is not None:
            raise BadRequest("Already identified")
        who = claim_identity(self._hub.state, self._channels, self._caller, frame, self._fresh_id())
        asked = who.key is not None and who.guest is not None
        self._claim, self._challenge = who, secrets.token_urlsafe(24) if asked else ""
        if (error := identity_obstacle(self._channels, who)) is None:
            await self._welcome(who)
        elif asked:
            self.refuse(error_to_tell(self._hub, error), agent_id=f"@{who.id}", challenge=self._challenge)
        else:
            raise error

    def _fresh_id(self) -> str:
        while True:
            wanted = "".join(secrets.choice(ID_ALPHABET) for _ in range(8))
            if name_mapping.is_free_id(self._hub.state, wanted) and not self._channels.is_taken(wanted):
                return wanted

    async def prove(self, frame: frames.ProveRequest) -> None:
        who = self._who or self._claim
        if who is None or not self._challenge:
            raise BadRequest("There is no open challenge. Send IDENTIFY with a public key first.")
        check_proof(who, self._challenge, frame.sig)
        who = who.as_proven()
        if self._who is not None:
            self._who = who
        else:
            if (error := identity_obstacle(self._channels, who)) is not None:
                raise error
            self._take_over_id(who)
            await self._welcome(who)
        self._challenge = ""
        await self._become(who)
        self.tell("PROVEN", agent_id=f"@{who.id}")

    def _take_over_id(self, who: ClaimedIdentity) -> None:
        if (other := self._channels.with_id(who.id)) is not None:
            other.make_way()

    def make_way(self) -> None:
        self.leave()
        self.end(BadRequest("Another client has proven that it owns this identity. Use your own key."))

    async def _welcome(self, who: ClaimedIdentity) -> None:
        self._who = who
        self._received()
        self._channels.enter(self)
        if self._caller is not None:
            await self._enter_as(self._caller)
        challenge = {"challenge": self._challenge} if self._challenge and not who.proven else {}
        self.tell("WELCOME", agent_id=f"@{who.id}", server=self._hub.config.server_name, **challenge)

    async def _enter_as(self, caller: Actor) -> None:
        try:
            await hello_operation.answer_hello(self._hub, caller, Hello())
        except GroupChatError:
            self.leave()
            raise
        self._enter()

    # presence

    async def arrive(self) -> Actor:
        """The actor of this socket, looked up anew each time: a guest that got a token of its own is
        no longer a guest."""
        who = self.known()
        if not self._arrived:
            await self._become(who)
        return self._caller or guests.guest_actor(self._hub.state, AGENTCHAT, who.name)

    def _become(self, who: ClaimedIdentity) -> asyncio.Future[Result]:
        assert who.guest is not None
        written = self._channels.guests.arrive(who.guest)
        if not self._arrived:
            self._enter()
        return written

    def _enter(self) -> None:
        """Register the client: from here on the others see it, and it gets every event, with no gap in between."""
        self._arrived = True
        self.connection.name = self.name
        self.connection.token = self._caller.token if self._caller else ""
        self.connection.cursor = self._hub.committed_seq
        self.connection.live = True
        self._hub.streams.strangers.discard(self._transport)
        self._hub.streams.enter(self.connection)

    def leave(self) -> None:
        if self._who is None:
            return
        name, self.joined = self.name, {}
        self._channels.leave(self)
        self._channels.look(name)
        if self._arrived:
            self._hub.streams.disconnect(self.connection)
        if self._arrived and self._caller is None:
            self._channels.carry_out(
                guests.remove_departed_guest(self._hub.state, AGENTCHAT, name, self._hub.rule_context())
            )
        self._who, self._arrived = None, False

    def keeps_token(self) -> bool:
        return self._caller is not None or not self._arrived or guests.is_guest(self._hub.state, AGENTCHAT, self.name)

    def close(self) -> None:
        self._alarm.cancel()
        self._hub.streams.strangers.discard(self._transport)
        self.leave()

    def _decide(self) -> None:
        """Decide after the timeout: close a client that has not identified itself; otherwise make it visible to the
        others."""
        if self._who is None:
            self.connection.close()
        elif not self._arrived:
            try:
                self._become(self._who).add_done_callback(note_failure)
            except GroupChatError as error:
                self.end(error)
