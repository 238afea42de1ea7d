"""Gives a member's newest key to a running gateway at once. Without one, the member's next connection does so."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.client.discovery.running_gateway import read_live_gateway
from gateway.console.client_options import ClientOptions
from gateway.protocol.errors import GroupChatError

if TYPE_CHECKING:
    from gateway.encryption.member_client.checked_messages import SealingNotice
    from gateway.encryption.member_keys.key_records import PublishedKey

PUBLISHED = "The gateway has it: others get it from there."
NOT_YET = "{name}'s next connection gives it to the gateway."


def publish_now(context: ClientOptions, name: str) -> str:
    """What became of it, in words: that the gateway has it, or what it gives out in its place."""
    if not context.named_gateway and read_live_gateway(context.folder) is None:
        return NOT_YET.format(name=name)
    import asyncio

    try:
        told = asyncio.run(_publish(context, name))
    except (GroupChatError, OSError) as error:
        why = error.message if isinstance(error, GroupChatError) else str(error)
        return f"{NOT_YET.format(name=name)} ({why})"
    if told is None:
        return NOT_YET.format(name=name)
    return " ".join(one.text for one in told if one.loud) or PUBLISHED


async def _publish(context: ClientOptions, name: str) -> list[SealingNotice] | None:
    """None if this token is of another member."""
    from gateway.client import Client
    from gateway.encryption.key_storage.key_files import newest_key
    from gateway.encryption.key_storage.member_memory import MemberMemory
    from gateway.encryption.key_storage.pin_book import PinBook
    from gateway.encryption.member_client.house_link import HouseLink
    from gateway.encryption.member_client.key_exchange import KeyExchange
    from gateway.encryption.member_client.member_machine import MemberMachine

    async with Client(context.endpoint()) as client:
        if client.welcome.you.name != name:
            return None
        told: list[SealingNotice] = []
        version = newest_key(context.folder, name).published.record.version
        machine = MemberMachine(context.folder, name, {}, PinBook(context.folder))
        house = client.welcome.store_id
        memory = MemberMemory.open(context.folder, name, house, version)
        try:
            await KeyExchange(HouseLink(machine, memory, house, client.request, told.append)).greet()
        finally:
            memory.close()
        return told


def published_keys(context: ClientOptions) -> tuple[str, PublishedKey | None] | None:
    """The member of this token, and the newest key that the gateway gives out for it; None without a gateway."""
    if not context.named_gateway and read_live_gateway(context.folder) is None:
        return None
    import asyncio

    try:
        return asyncio.run(_fetch_published(context))
    except (GroupChatError, OSError):
        return None


async def _fetch_published(context: ClientOptions) -> tuple[str, PublishedKey | None]:
    from gateway.client import Client
    from gateway.encryption.member_keys.key_records import parse_key_record
    from gateway.protocol.requests.member_requests import KeyRecords
    from gateway.protocol.results import KeyRecordList

    async with Client(context.endpoint()) as client:
        name = client.welcome.you.name
        found = await client.request(KeyRecords(names=(name,)), KeyRecordList)
        records = [text for one in found.keys if one.member == name for text in one.records]
        return name, parse_key_record(records[-1]) if records else None
