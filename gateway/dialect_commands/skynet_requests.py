"""The single requests of the Skynet commands, and the files that they read and write."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import quote

import msgspec

from gateway.console.standard_streams import read_input
from gateway.dialect_commands.skynet_client import SkynetClient
from gateway.dialect_commands.skynet_endpoint import SkynetServer
from gateway.dialect_commands.skynet_frames import AgentList, ContextOutcome, Json, SendOutcome
from gateway.dialect_commands.skynet_output import sent_text
from gateway.dialects.skynet.wire.validation_errors import AllowedNames, explain_error
from gateway.protocol.errors import BadRequest, GroupChatError, NotFound

STDIN_NAME = "-"


class PayloadFile(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=False):
    """A message as a payload file holds it. Fields that a file leaves out come from the options."""

    content: object = ""
    type: str = "task"
    to_agent: str | None = None
    channel: str = "default"
    context: Json = {}
    meta: Json = {}


PAYLOAD_NAMES = AllowedNames({"": PayloadFile.__struct_fields__}, {})


async def send_payload(server: SkynetServer, sender: str, payload: PayloadFile) -> tuple[SendOutcome, str]:
    body = {"from_agent": sender, **msgspec.structs.asdict(payload), "encrypt": False}
    async with SkynetClient(server) as client:
        outcome = await client.post("/messages/send", body, SendOutcome)
    to = payload.to_agent or f"#{payload.channel}"
    if not outcome.success:
        raise GroupChatError(outcome.error or f"The server did not deliver it to {to}, and does not say why.")
    return outcome, sent_text(outcome, to)


async def push_context(server: SkynetServer, agent_id: str, document: Json) -> None:
    async with SkynetClient(server) as client:
        outcome = await client.post("/context", {"agent_id": agent_id, "context": document}, ContextOutcome)
    if not outcome.success:
        raise GroupChatError(outcome.error or "The server did not save the context, and does not say why.")


async def pull_context(server: SkynetServer, agent_id: str) -> ContextOutcome:
    async with SkynetClient(server) as client:
        outcome = await client.get(f"/context/{quote(agent_id, safe='')}", ContextOutcome)
    if not outcome.success:
        raise NotFound(f"There is no context of {agent_id}.")
    return outcome


async def fetch_agents(server: SkynetServer) -> AgentList:
    """The agents, those that are away too if the server knows them: `away` means something to our gateway alone."""
    async with SkynetClient(server) as client:
        return await client.get("/agents?away=true", AgentList)


# files


def read_payload(file: str | None, **options: object) -> PayloadFile:
    """The message of the options, or of a file, whose fields count more."""
    found = {**options, **(_read_object(file) if file is not None else {})}
    try:
        return msgspec.convert(found, PayloadFile)
    except msgspec.ValidationError as error:
        sentence = explain_error(str(error), PAYLOAD_NAMES) or f"{error}."
        raise BadRequest(f"{_name(file)} is no message: {sentence}") from None


def read_context(file: str) -> Json:
    return _read_object(file)


def write_context(found: ContextOutcome, path: Path) -> None:
    try:
        path.write_text(json.dumps(found.context, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise BadRequest(f"{path} cannot be written: {error.strerror or error}.") from None


def _read_object(file: str) -> Json:
    try:
        text = read_input() if file == STDIN_NAME else Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadRequest(f"{file} cannot be read: {getattr(error, 'strerror', None) or error}.") from None
    try:
        found = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise BadRequest(f"{_name(file)} is not JSON: {error}.") from None
    if not isinstance(found, dict):
        raise BadRequest(f"{_name(file)} holds no JSON object.")
    return found


def _name(file: str | None) -> str:
    return "Standard input" if file == STDIN_NAME else file or "This"
