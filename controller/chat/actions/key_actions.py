"""What the chat's commands about keys do: list them, trust one, write a sealed message, admit to a sealed room."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from controller.chat.actions.action_interface import ActionResult, ChatContext
from controller.chat.actions.pending_question import PendingQuestion
from controller.chat_commands.command_table import ParsedCommand
from controller.requests.encryption.known_keys import unverified_keys
from controller.requests.invitations import admit_members
from controller.view.stream import list_overlay
from controller.wording.invitation_text import admitted_text
from controller.wording.key_text import admission_rows, key_rows
from controller.wording.proof_text import SIGNS_HELP
from gateway.protocol.errors import BadRequest, NotFound
from gateway.protocol.text.addressing import AddressedText, parse_line


class KeyContext(ChatContext, Protocol):
    confirmation: PendingQuestion | None

    def refresh_keys(self) -> None: ...

    def trust_key(self, name: str, fingerprint: str) -> None: ...

    async def say_sealed(self, said: AddressedText, line: str) -> None: ...


async def show_member_keys(chat: KeyContext, order: ParsedCommand) -> ActionResult:
    chat.refresh_keys()
    keys, name = chat.state.keys, order.get("name")
    if name is not None and name not in keys:
        raise NotFound(f"No key of {name} is known on this machine.", nearest=sorted(keys))
    shown = [keys[name]] if name is not None else [keys[one] for one in sorted(keys)]
    rows = [row for key in shown for row in key_rows(key)]
    without = [] if name else sorted(one for one in chat.state.members if one not in keys and one != "system")
    rows += [("no key", ", ".join(without))] if without else []
    if chat.state.me not in keys:
        rows.append(("", f"You have no key: `groupchat key new {chat.state.me}` makes one, then open the chat again."))
    return list_overlay.overlay_of_pairs("Keys", [*rows, ("", SIGNS_HELP)])


async def trust_shown_key(chat: KeyContext, order: ParsedCommand) -> ActionResult:
    name = order.values["name"]
    chat.trust_key(name, order.values["fingerprint"])
    chat.refresh_keys()
    return f"The key of {name} is verified."


async def say_sealed_text(chat: KeyContext, order: ParsedCommand) -> ActionResult:
    text = order.values["message"]
    said = parse_line(text)
    if not isinstance(said, AddressedText) or not said.to or not said.text.strip():
        raise BadRequest("/seal takes names and a text: /seal @bob the address is ...")
    await chat.say_sealed(said, f"/seal {text}")
    return None


async def admit_to_sealed_room(chat: KeyContext, room: str, names: Sequence[str]) -> ActionResult:
    """Members whose keys nobody has compared are admitted only after the person has seen their fingerprints."""
    chat.refresh_keys()
    asked = unverified_keys(chat.state.keys, names)

    async def admit() -> ActionResult:
        await admit_members(chat.client, room, names)
        return admitted_text(room, names)

    if not asked:
        return await admit()
    chat.confirmation = PendingQuestion(admit)
    title = f"Admit {', '.join(one.name for one in asked)} to #{room}?"
    return list_overlay.overlay_of_pairs(title, admission_rows(room, asked))


KEY_ACTIONS: dict[str, Callable[[KeyContext, ParsedCommand], Awaitable[ActionResult]]] = {
    "keys": show_member_keys,
    "trust": trust_shown_key,
    "seal": say_sealed_text,
}
