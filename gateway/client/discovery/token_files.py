"""Where tokens are stored in the state folder: one folder per kind of member, so that a person's token can never be
taken for that of an agent with the same name. `tokens/team` is the team token. Tokens of gateways elsewhere are stored
apart."""

from __future__ import annotations

import re
from pathlib import Path

from gateway.client.discovery.endpoint import Endpoint
from gateway.client.discovery.running_gateway import LOCK_FILE
from gateway.files.private_files import read_private
from gateway.protocol.errors import Conflict
from gateway.protocol.types.core_types import Member, MemberKind

TOKENS_FOLDER = "tokens"
TEAM_TOKEN = "team"
OTHER_GATEWAYS_FOLDER = "elsewhere"
FOLDER_BY_KIND = {MemberKind.HUMAN: "people", MemberKind.AGENT: "agents", MemberKind.TOOL: "tools"}


def team_token_file(state: Path) -> Path:
    return state / TOKENS_FOLDER / TEAM_TOKEN


def token_file(state: Path, name: str, kind: MemberKind, elsewhere: str = "") -> Path:
    """`elsewhere` is the address of a gateway that is not this state folder's own."""
    base = state / TOKENS_FOLDER
    return (base / OTHER_GATEWAYS_FOLDER / elsewhere if elsewhere else base) / FOLDER_BY_KIND[kind] / name


def token_file_for(state: Path, name: str, kind: MemberKind, endpoint: Endpoint) -> Path:
    """The file for a token of this gateway."""
    return token_file(state, name, kind, "" if endpoint.socket else folder_name_of_url(endpoint.url))


def folder_name_of_url(url: str) -> str:
    """A folder name made from a gateway's address."""
    return re.sub(r"[^a-z0-9.-]", "_", url.partition("//")[2].lower()).lstrip(".") or "_"


def read_token(state: Path, name: str, kind: MemberKind) -> str | None:
    return read_secret(token_file(state, name, kind))


def read_kept_token(state: Path, name: str, kind: MemberKind, endpoint: Endpoint) -> str | None:
    """The stored token of this member for this gateway. An older version stored tokens of gateways elsewhere among the
    others; they are recognised only in a state folder on which no gateway ever ran."""
    found = read_secret(token_file_for(state, name, kind, endpoint))
    if found is None and endpoint.socket is None and not (state / LOCK_FILE).exists():
        found = read_secret(state / TOKENS_FOLDER / name)
    return found


def read_secret(path: Path) -> str | None:
    try:
        return read_private(path).decode().strip() or None
    except (FileNotFoundError, IsADirectoryError):
        return None


def check_token_owner(you: Member, name: str) -> None:
    """Check that the token belongs to the expected member: else the client would speak as another member."""
    if you.kind is not MemberKind.AGENT:
        raise wrong_kind_error(name, you.kind)
    if you.name != name:
        raise Conflict(
            f"The token that was given or kept for {name!r} is {you.name!r}'s. Give {name!r} one of its own in "
            "CSP_AUTH_TOKEN, or remove its file from `tokens` in the state folder."
        )


def wrong_kind_error(name: str, known: MemberKind) -> Conflict:
    words = {MemberKind.HUMAN: "a person", MemberKind.TOOL: "a tool"}
    return Conflict(
        f"{name!r} is {words.get(known, known)} in this chat, and cannot be an agent as well. Choose "
        "another name for one of them; GROUPCHAT_OPERATOR is your own."
    )
