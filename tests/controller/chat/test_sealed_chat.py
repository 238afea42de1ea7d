"""The chat with keys: what is sealed is written, read and marked, and what is wrong is shouted. A real gateway."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.encryption.key_storage.key_files import list_keys
from gateway.encryption.member_keys.fingerprints import fingerprint_hex, fingerprint_words
from gateway.protocol.events import Control, ControlAction
from gateway.protocol.requests.approval_requests import OpenAsk
from gateway.protocol.requests.message_requests import Send
from gateway.protocol.requests.room_requests import Join
from gateway.protocol.results import Done
from gateway.protocol.types.core_types import MemberKind, Option
from tests.controller.chat_driver import ChatDriver, drive_chat
from tests.support.gateways import OPERATOR, Gateway
from tests.support.sealed_members import SealedMember, connected, give_key, renew_key, replace_key

SECRET = "the launch code is 0000"
COLUMNS, LINES = 80, 24


@pytest.fixture
async def ben(gateway: Gateway, tmp_path: Path) -> AsyncIterator[SealedMember]:
    give_key(tmp_path / "ben", "ben")
    async with connected(await gateway.member("ben", MemberKind.HUMAN), tmp_path / "ben", "ben") as member:
        yield member


@pytest.fixture
async def chat(gateway: Gateway, ben: SealedMember, tmp_path: Path) -> AsyncIterator[ChatDriver]:
    give_key(tmp_path / "alice", OPERATOR)
    machine = tmp_path / "alice"
    async with drive_chat(
        gateway.operator, columns=COLUMNS, lines=LINES, machine=machine, folder=tmp_path / "chat"
    ) as driver:
        yield driver


def said_at_gateway(gateway: Gateway) -> bytes:
    files = [path for path in gateway.config.state.rglob("*") if path.is_file()]
    return b"".join(path.read_bytes() for path in files)


async def test_a_sealed_direct_message_goes_both_ways(
    gateway: Gateway, chat: ChatDriver, ben: SealedMember, tmp_path: Path
) -> None:
    chat.type(f"/seal @ben {SECRET}")
    await chat.shows("sealed: only you and ben can read this")
    chat.type("\r")
    await chat.shows("🔒 alice → ben #", f"▣✓  {SECRET}")
    message = await ben.said(SECRET)
    assert message.check.was_sealed
    await ben.client.send("understood", to=(f"@{OPERATOR}",), reply_to=message.seq)
    await chat.shows("understood", "▣•")
    assert SECRET.encode() not in said_at_gateway(gateway)
    assert SECRET not in (tmp_path / "chat" / "history").read_text()


async def test_signed_messages_are_marked_and_others_are_not(
    gateway: Gateway, chat: ChatDriver, ben: SealedMember
) -> None:
    async with connected(await gateway.member("dan", MemberKind.HUMAN), Path("/nonexistent"), "dan") as dan:
        await dan.client.send("nobody knows me")
        await ben.client.send("it is me")
        await chat.shows("nobody knows me", "it is me")
    rows = chat.emulated.rows
    assert any("ben #" in row and "•  it is me" in row for row in rows)
    assert any("dan #" in row and "•" not in row and "nobody knows me" in row for row in rows)


async def test_a_sealed_room_is_made_and_read(gateway: Gateway, chat: ChatDriver, ben: SealedMember) -> None:
    chat.enter("/create vault --sealed")
    await chat.shows("▣#vault", "read by its members' machines alone")
    chat.enter("/invite ben")
    key = list_keys(ben.state, "ben")[0].published.record
    await chat.shows("Admit ben to #vault?", fingerprint_hex(key.fingerprint)[:24], "admits ben to")
    assert fingerprint_words(key.fingerprint)[:29] in chat.text
    chat.enter("y")
    await chat.shows("ben may join vault")
    await ben.client.request(Join(room="vault"), Done)
    chat.enter(SECRET)
    message = await ben.said(SECRET)
    assert (message.room, message.check.was_sealed) == ("vault", True)
    await ben.client.send("and mine is 1111", room="vault")
    await chat.shows("and mine is 1111")
    chat.enter("/search launch")
    await chat.shows("1 in #vault", "on this machine", SECRET)
    chat.type("\x1b")
    chat.enter("/kick ben")
    await chat.shows("a new key")
    assert SECRET.encode() not in said_at_gateway(gateway)


async def test_anything_but_y_admits_nobody(chat: ChatDriver, ben: SealedMember) -> None:
    chat.enter("/create vault --sealed")
    await chat.shows("▣#vault")
    chat.enter("/admit ben")
    await chat.shows("admits ben to")
    chat.enter("no, not now")
    await chat.shows("no, not now")
    chat.enter("y")
    await chat.shows("✓  y ")
    assert chat.chat.state.rooms["vault"].members == (OPERATOR,)


async def test_escape_ends_the_question(chat: ChatDriver, ben: SealedMember) -> None:
    chat.enter("/create vault --sealed")
    await chat.shows("▣#vault")
    chat.enter("/invite ben")
    await chat.shows("admits ben to")
    chat.type("\x1b")
    await chat.hides("admits ben to")
    chat.enter("y")
    await chat.shows("✓  y ")
    assert chat.chat.state.rooms["vault"].members == (OPERATOR,)


async def test_a_changed_key_is_shouted_and_stops_sealing_until_a_person_decides(
    gateway: Gateway, chat: ChatDriver, ben: SealedMember
) -> None:
    chat.enter("/keys")
    await chat.shows("not verified: remembered as it", "alice", "yours")
    chat.type("\x1b")
    bells = chat.emulated.bells
    replace_key(ben.state, "ben")
    async with connected(await gateway.member("ben", MemberKind.HUMAN), ben.state, "ben"):
        await chat.shows("THE KEY OF ben HAS CHANGED", "/keys ben tells what to do")
    assert chat.emulated.bells > bells
    chat.type(f"/seal @ben {SECRET}")
    await chat.shows("nothing is sealed to ben")
    chat.type("\r")
    await chat.shows("Nothing was sent")
    chat.type("\x15")
    chat.enter("/keys ben")
    other = fingerprint_hex(list_keys(ben.state, "ben")[-1].published.record.fingerprint)
    await chat.shows("CHANGED", "which came later", other[:24], other[25:])
    chat.enter(f"/trust ben {other}")
    await chat.shows("The key of ben is verified.")
    chat.type("\x1b")
    await chat.until(lambda: not chat.chat.state.changed_keys())
    await chat.hides("tells what to do")


async def test_a_rotation_is_said_quietly(gateway: Gateway, chat: ChatDriver, ben: SealedMember) -> None:
    bells = chat.emulated.bells
    renew_key(ben.state, "ben")
    async with connected(await gateway.member("ben", MemberKind.HUMAN), ben.state, "ben"):
        await chat.shows("ben has renewed the key")
    assert chat.emulated.bells == bells


async def test_without_a_key_sealed_messages_stay_closed_and_nothing_can_be_sealed(
    gateway: Gateway, ben: SealedMember
) -> None:
    async with drive_chat(gateway.operator, columns=COLUMNS, lines=LINES) as chat:
        chat.type("/seal @ben hello")
        await chat.shows("there is no open key of yours")
        chat.type("\r")
        await chat.shows("There is no key of alice on this machine")
        chat.type("\x15")
        chat.enter("/keys")
        await chat.shows("groupchat key new alice")


async def test_a_message_to_somebody_without_a_key_is_announced_as_refused(gateway: Gateway, chat: ChatDriver) -> None:
    async with connected(await gateway.member("dan", MemberKind.HUMAN), Path("/nonexistent"), "dan"):
        await chat.until(lambda: "dan" in chat.chat.state.members)
        chat.type("/seal @dan hello")
        await chat.shows("dan has no key")


async def test_a_sealed_message_for_others_is_named_as_closed(
    gateway: Gateway, ben: SealedMember, tmp_path: Path
) -> None:
    """An observer sees that something was said, and not what."""
    give_key(tmp_path / "cyd", "cyd")
    async with (
        connected(await gateway.member("cyd", MemberKind.HUMAN), tmp_path / "cyd", "cyd") as cyd,
        drive_chat(gateway.operator, columns=COLUMNS, lines=LINES, machine=cyd.state) as chat,
    ):
        await ben.client.send_sealed(Send(content=SECRET, to=("@cyd",)))
        assert (await cyd.said(SECRET)).check.was_sealed
        await chat.until(lambda: chat.chat.state.observer)
        assert SECRET not in chat.text


async def test_a_sealed_question_is_a_card_and_its_answer_is_signed(
    gateway: Gateway, chat: ChatDriver, tmp_path: Path
) -> None:
    give_key(tmp_path / "claude", "claude")
    endpoint = await gateway.member("claude", MemberKind.AGENT)
    async with connected(endpoint, tmp_path / "claude", "claude") as claude:
        chat.enter("/create vault --sealed")
        await chat.shows("▣#vault")
        chat.enter("/invite claude")
        await chat.shows("admits claude to")
        chat.enter("y")
        await chat.until(lambda: "claude" in chat.chat.state.rooms["vault"].members)
        await claude.until(lambda one: "vault" in repr(one) and "claude" in claude.client.readers_of("vault"))
        options = (Option("1", "Yes"), Option("2", "No"))
        plain = OpenAsk("d" * 16, "Run the launch?", options, allow="1", deny="2", detail="launch --code 0000")
        await claude.client.request(claude.client.seal_ask(plain, "vault"), Done)
        await chat.shows("claude", "Run the launch?", "launch --code 0000", "Yes")
        assert b"launch --code" not in said_at_gateway(gateway)
        chat.enter("/approve claude")
        order = await claude.until(lambda one: isinstance(one, Control))
        assert order.action is ControlAction.ANSWER
        assert order.signed is not None
        claude.client.check_answer(order, "d" * 16, "vault")


async def test_a_key_that_is_made_while_the_chat_runs_is_said_not_to_be_open(
    gateway: Gateway, ben: SealedMember, tmp_path: Path
) -> None:
    machine = tmp_path / "alice"
    async with drive_chat(gateway.operator, columns=COLUMNS, lines=LINES, machine=machine) as chat:
        await chat.until(lambda: chat.chat.opened)
        give_key(machine, OPERATOR)
        chat.enter("/keys")
        await chat.shows("alice", "yours")
        chat.type("\x1b")
        await chat.shows("You have a key on this machine", "and type the passphrase")
