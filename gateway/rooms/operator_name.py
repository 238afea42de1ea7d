"""The name of the local person in the chat. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from gateway.model.state import GatewayState
from gateway.protocol.errors import Conflict
from gateway.protocol.types.core_types import MemberKind
from gateway.rooms import members

UNUSABLE_NAMES = ("", "system", "all", members.TEAM_PERSON_NAME)


@dataclass(frozen=True)
class OperatorName:
    """The wanted name; `chosen` if a person has set it, not if it comes from the login."""

    name: str
    chosen: bool = False


def operator_from(env: Mapping[str, str], login: str) -> OperatorName:
    """The chosen name, else the login. A character that a name cannot contain becomes `-`."""
    chosen = env.get("GROUPCHAT_OPERATOR")
    cleaned = "".join(_usable_character(one) for one in (chosen or login).lower()).strip("-.")[:64]
    return OperatorName("operator" if cleaned in UNUSABLE_NAMES else cleaned, bool(chosen))


def _usable_character(character: str) -> str:
    return character if character.isascii() and (character.isalnum() or character in "_.-") else "-"


def settle_operator_name(operator: OperatorName, state: GatewayState, agents: Collection[str]) -> str:
    """The name that the person gets. A login that an agent or tool already uses gets another form; a chosen name is
    never changed silently."""
    if _is_free_name(operator.name, state, agents):
        return operator.name
    if operator.chosen:
        raise Conflict(
            f"{operator.name!r} is the name of an agent here, and cannot be yours as well. "
            "Choose another one in GROUPCHAT_OPERATOR, or another name for the agent."
        )
    base, number = f"{operator.name[:56]}-user", 1
    name = base
    while not _is_free_name(name, state, agents):
        number += 1
        name = f"{base}-{number}"
    return name


def _is_free_name(name: str, state: GatewayState, agents: Collection[str]) -> bool:
    known = state.members.get(name)
    return name not in agents and (known is None or known.member.kind is MemberKind.HUMAN)
