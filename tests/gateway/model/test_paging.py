"""Lists in pages: bounded by entries and by bytes, whole for whoever follows them; and how fast one may ask."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.access.operation_kinds import OperationKind
from gateway.access.permissions import Actor
from gateway.access.rate_limit import (
    CHANGE_RATE,
    MAX_ROOMS,
    MAX_ROOMS_OF_GUESTS,
    MAX_ROOMS_PER_MEMBER,
    READ_RATE,
    Rate,
    RateLimiter,
)
from gateway.client import Client
from gateway.client.paged_requests import complete_welcome, fetch_all_pages
from gateway.model.paging import MAX_LIST_BYTES, MAX_WELCOME_LIST_BYTES, cut_page, identity
from gateway.model.records.stored_records import MemberRecord, RoomRecord
from gateway.model.rule_outcome import StateChange
from gateway.operations.dispatch import run_operation
from gateway.operations.operation_table import OPERATIONS
from gateway.protocol import codec
from gateway.protocol.errors import Conflict, RateLimited
from gateway.protocol.pagination_keys import LISTINGS
from gateway.protocol.requests.decision_requests import Decisions, Propose
from gateway.protocol.requests.member_requests import Members, Tokens
from gateway.protocol.requests.message_requests import Send
from gateway.protocol.requests.room_requests import CreateRoom, Rooms, SetTopic
from gateway.protocol.requests.shared_document_requests import Contexts, PutContext
from gateway.protocol.results import (
    ContextList,
    ContextSaved,
    DecisionList,
    DecisionView,
    Done,
    MemberList,
    RoomList,
    TokenList,
)
from gateway.protocol.types.core_types import Member, MemberKind, Room, Scope
from gateway.rooms import room_rules
from tests.support.examples import examples
from tests.support.gateways import Gateway, gateway_in_process
from tests.support.world import World


def name_of(one: Room) -> str:
    return one.name


@settings(deadline=None, max_examples=examples(50))
@given(st.sets(st.text("abc", min_size=1, max_size=3)), st.integers(1, 5))
def test_pages_together_are_the_list(names: set[str], limit: int) -> None:
    rooms, seen, after, more = [Room(name) for name in names], list[str](), "", True
    while more:
        found, more = cut_page(rooms, name_of, after, limit, identity)
        assert len(found) <= limit
        assert not more or len(found) == limit
        seen += [one.name for one in found]
        after = seen[-1] if seen else ""
    assert seen == sorted(names)


def test_a_page_is_bounded_by_bytes_and_holds_at_least_one() -> None:
    rooms = [Room(f"r{number}", "x" * (MAX_LIST_BYTES // 3)) for number in range(4)] + [
        Room("s", "x" * MAX_LIST_BYTES * 2)
    ]
    sizes, after, more = list[int](), "", True
    while more:
        found, more = cut_page(rooms, name_of, after, 1000, identity)
        sizes.append(len(found))
        after = found[-1].name
    assert sizes == [2, 2, 1]


def test_each_list_of_the_protocol_is_paged() -> None:
    """What answers with a list takes `after` and `limit`, and says whether there is more."""
    for operation in OPERATIONS:
        fields = {one.name: one.type for one in msgspec.structs.fields(operation.result)}
        if operation.request in LISTINGS:
            assert LISTINGS[operation.request].field in fields and "more" in fields
            assert {"after", "limit"} <= set(operation.request.__struct_fields__)
        elif operation.result.__name__.endswith("List"):
            assert "more" in fields or operation.result.__name__ in ("ModeList", "ReactionList"), operation


async def test_thousands_of_rooms_of_an_older_version(tmp_path: Path) -> None:
    """They were made without a bound; they are listed all the same."""
    async with gateway_in_process(tmp_path / "state") as gateway:
        many = 17_500
        for number in range(many):
            name = f"room-{number:05}"
            gateway.hub.state.put(StateChange("room", name, RoomRecord(name, "a topic " * 10, created_by="alice")))
        async with Client(gateway.operator) as alice:
            found = await fetch_all_pages(alice.request, Rooms(), RoomList)
            assert len(found.rooms) == many + 1
            assert not found.more
            with pytest.raises(Conflict, match="has created 100 rooms"):
                await alice.request(CreateRoom(room="one-more"), Done)
            assert len((await alice.request(Rooms(after="room-17400"), RoomList)).rooms) == 99


async def test_every_list_is_followed_to_its_end(gateway: Gateway) -> None:
    for number in range(5):
        await gateway.member(f"agent-{number}")
    async with Client(gateway.operator) as alice:
        for number in range(5):
            await alice.request(
                PutContext(scope="#general", name=f"doc-{number}", document={"n": number}), ContextSaved
            )
        for request, kind in ((Members(), MemberList), (Contexts(), ContextList), (Tokens(), TokenList)):
            field = LISTINGS[type(request)].field
            at_once = getattr(await alice.request(request, kind), field)
            in_pages = getattr(
                await fetch_all_pages(alice.request, msgspec.structs.replace(request, limit=2), kind), field
            )
            assert in_pages == at_once and len(at_once) >= 5, kind


async def test_a_welcome_stays_small_and_can_be_completed(gateway: Gateway) -> None:
    fat = {"x": "y" * 16_000}
    async with Client(gateway.operator) as alice:
        for number in range(40):
            await alice.request(Propose(question=f"{number}?", people=True, details=fat), DecisionView)
    async with Client(gateway.operator) as again:
        assert len(codec.encode(again.welcome)) < 2 * MAX_WELCOME_LIST_BYTES
        assert again.welcome.partial == ("decisions",)
        whole_welcome = await complete_welcome(again.request, again.welcome)
        assert len(whole_welcome.decisions) == 40 and whole_welcome.partial == ()
        assert whole_welcome.members == again.welcome.members
        assert len((await fetch_all_pages(again.request, Decisions(limit=7), DecisionList)).decisions) == 40


# how fast, and how much


def test_each_effect_counts_and_reads_never_against_anything_else() -> None:
    throttle = RateLimiter(Rate(2, 1))
    for effect in (OperationKind.READS, OperationKind.TAKES, OperationKind.GREETS):
        for _ in range(1000):
            throttle.take(effect, "ada", 0)
    for effect in (OperationKind.SENDS, OperationKind.CHANGES, OperationKind.REPORTS):
        throttle.take(effect, "ada", 0)


@pytest.mark.parametrize(
    ("effect", "burst", "words"),
    [
        (OperationKind.READS, READ_RATE.burst, "reads more than 1000 times"),
        (OperationKind.TAKES, READ_RATE.burst, "reads more than 1000 times"),
        (OperationKind.CHANGES, CHANGE_RATE.burst, "more than 20 changes a second"),
        (OperationKind.SENDS, 2, "sends more than 1 messages a second"),
        (OperationKind.REPORTS, 20_000, "reports more than 5000 times"),
    ],
)
def test_too_fast_is_said_with_the_time_to_wait(effect: OperationKind, burst: float, words: str) -> None:
    throttle = RateLimiter(Rate(2, 1))
    for _ in range(int(burst)):
        throttle.take(effect, "ada", 0)
    with pytest.raises(RateLimited, match=words) as refused:
        throttle.take(effect, "ada", 0)
    assert refused.value.retry_after is not None and 0 < refused.value.retry_after <= 1
    throttle.take(effect, "ben", 0)
    throttle.take(effect, "ada", 1.1)


def test_without_a_rate_nothing_is_counted() -> None:
    throttle = RateLimiter(Rate(0, 0))
    for effect in OperationKind:
        for _ in range(int(CHANGE_RATE.burst) + 1):
            throttle.take(effect, "ada", 0)


async def test_what_changes_things_counts_and_reading_goes_on(tmp_path: Path) -> None:
    async with gateway_in_process(tmp_path / "state", rate=Rate(100, 50)) as gateway:
        alice = Actor("alice", MemberKind.HUMAN)
        await run_operation(gateway.hub, alice, CreateRoom(room="lab"))
        with pytest.raises(RateLimited, match="changes a second"):
            for number in range(int(CHANGE_RATE.burst) * 20):
                await run_operation(gateway.hub, alice, SetTopic(room="lab", topic=f"topic {number}"))
        await run_operation(gateway.hub, alice, Rooms())
        await run_operation(gateway.hub, alice, Send(content="and sending too"))


def test_there_is_an_end_to_rooms() -> None:
    world = World()
    ada, ben = world.person("ada"), world.person("ben")
    for number in range(MAX_ROOMS_PER_MEMBER):
        world.do(room_rules.create_room, ada, CreateRoom(room=f"a{number}"))
    with pytest.raises(Conflict, match="ada has created 100 rooms"):
        world.do(room_rules.create_room, ada, CreateRoom(room="more"))
    bot, kit = world.member("bot"), world.member("kit", MemberKind.TOOL)
    for number in range(MAX_ROOMS - 1):
        world.state.put(StateChange("room", f"old-{number}", RoomRecord(f"old-{number}", created_by="bot")))
    world.do(room_rules.create_room, kit, CreateRoom(room="last"))
    for maker in (kit, world.member("pip")):
        with pytest.raises(Conflict, match=f"created {MAX_ROOMS} rooms"):
            world.do(room_rules.create_room, maker, CreateRoom(room="more"))
    world.do(room_rules.create_room, ben, CreateRoom(room="of-a-person"))
    world.do(
        room_rules.create_room,
        replace(bot, name="admin", scopes=frozenset({Scope.ADMIN})),
        CreateRoom(room="of-an-admin"),
    )


def test_guests_together_make_few_rooms_and_take_none_from_members() -> None:
    world = World()
    made: dict[str, Actor] = {}
    for name, dialect in (("g1", "agentchat"), ("g2", "ai-connect"), ("g3", "agentchat"), ("kit", "")):
        made[name] = world.member(name)
        world.state.put(StateChange("member", name, MemberRecord(Member(name, MemberKind.AGENT), dialect=dialect)))
    for number in range(MAX_ROOMS_OF_GUESTS):
        world.do(room_rules.create_room, made["g1" if number % 2 else "g2"], CreateRoom(room=f"g{number}"))
    with pytest.raises(Conflict, match="Members without a token have created"):
        world.do(room_rules.create_room, made["g3"], CreateRoom(room="more"))
    world.do(room_rules.create_room, made["kit"], CreateRoom(room="of-a-member"))
    world.state.put(StateChange("member", "g1", None))
    with pytest.raises(Conflict, match="Members without a token have created"):
        world.do(room_rules.create_room, made["g3"], CreateRoom(room="more"))
