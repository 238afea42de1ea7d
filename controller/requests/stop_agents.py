"""Ends what agents work on, from chat and shell, and says whom the order went to."""

from __future__ import annotations

from controller.commands.command_table import StopRequest
from gateway.client import Client
from gateway.protocol.requests import Stop
from gateway.protocol.results import Stopping


async def stop_members(client: Client, halt: StopRequest) -> Stopping:
    """An answer for each who was named, as one."""
    if not halt.to:
        return await client.request(Stop(), Stopping)
    found = [await client.request(Stop(member=name), Stopping) for name in halt.to]
    members = tuple(dict.fromkeys(name for one in found for name in one.members))
    return Stopping(members, (), found[-1].seq)


def stopped_text(done: Stopping, command: str = "/stop") -> str:
    """`command` is how to stop one by its name here."""
    asking = f" {', '.join(done.asking)} asks something: {command} NAME refuses that." if done.asking else ""
    if not done.members:
        return f"No agent is busy.{asking}"
    return f"Stop goes to {', '.join(done.members)}. What waits comes next; a pause holds it.{asking}"
