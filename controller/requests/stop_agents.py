"""Stops the turns of agents, for chat and shell, and says which agents got the order."""

from __future__ import annotations

from controller.chat_commands.command_table import StopRequest
from gateway.client import Client
from gateway.protocol.requests.agent_requests import Stop
from gateway.protocol.results import Stopping


async def stop_members(client: Client, halt: StopRequest) -> Stopping:
    """The answers of all named agents, combined."""
    if not halt.to:
        return await client.request(Stop(), Stopping)
    found = [await client.request(Stop(member=name), Stopping) for name in halt.to]
    members = tuple(dict.fromkeys(name for one in found for name in one.members))
    return Stopping(members, (), found[-1].seq)


def stopped_text(done: Stopping, command: str = "/stop") -> str:
    """`command` stops one agent by its name here."""
    asking = f" {', '.join(done.asking)} asks something: {command} NAME refuses that." if done.asking else ""
    if not done.members:
        return f"No agent is busy.{asking}"
    return f"Stopping {', '.join(done.members)}. Waiting messages follow; a pause holds them.{asking}"
