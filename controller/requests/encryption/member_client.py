"""Opens the client of this machine's member: one that seals, signs and checks if the member has a key here, otherwise
the plain one."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from controller.requests.encryption.passphrase_input import PassphraseNotGiven, ask_hidden, unlock_key
from controller.wording.key_text import REOPEN_TEXT
from gateway.client import Client, Endpoint
from gateway.console.client_options import ClientOptions
from gateway.console.console_output import show_error
from gateway.encryption.key_storage.key_locations import has_keys
from gateway.protocol.errors import BadRequest
from gateway.protocol.requests.connection_requests import Hello

if TYPE_CHECKING:
    from gateway.encryption.key_storage.key_files import StoredKey
    from gateway.encryption.member_client.member_machine import MemberMachine
    from gateway.encryption.member_client.sealed_client import SealedClient

GO_ON_WITHOUT = " (Enter: go on without it)"
CLOSED = "What is sealed stays closed, and nothing of yours is signed."


def has_terminal() -> bool:
    return sys.stdin.isatty()


@dataclass
class KeyAccess:
    """How this machine's keys are opened. `tolerant`: go on without a key that does not open, as a chat does.
    `follows_events`: who uses the client shows notices about keys itself; otherwise the loud ones are told at the end.
    `problems` are sentences about why it did not. A key is opened once, also for several connections."""

    state: Path
    passphrase_file: Path | None = None
    ask: Callable[[str], str] = ask_hidden
    tell: Callable[[str], None] = show_error
    can_ask: Callable[[], bool] = has_terminal
    tolerant: bool = False
    follows_events: bool = False
    problems: list[str] = field(default_factory=list)
    opened: dict[str, MemberMachine | None] = field(default_factory=dict)

    @staticmethod
    def of(context: ClientOptions, *, tolerant: bool = False, follows_events: bool = False) -> KeyAccess:
        return KeyAccess(context.folder, context.passphrase_path, tolerant=tolerant, follows_events=follows_events)

    def note_problem(self, sentence: str) -> None:
        self.problems.append(sentence)
        self.tell(sentence)


@asynccontextmanager
async def open_member_client(
    endpoint: Endpoint, access: KeyAccess, hello: Hello | None = None, *, patient: bool = False
) -> AsyncIterator[Client]:
    """A passphrase is asked before the connection that is given back: nothing waits at the gateway meanwhile."""
    if not has_keys(access.state):
        async with Client(endpoint, hello, patient=patient) as plain:
            yield plain
        return
    from gateway.encryption.member_client.sealed_client import SealedClient

    unlock: Callable[[str], MemberMachine | None] = partial(open_own_machine, access=access)
    if _may_ask(access):
        machine = unlock(await _own_name(endpoint, patient=patient))
        unlock = _constant(machine)
    async with SealedClient(endpoint, hello, unlock=unlock, patient=patient) as client:
        try:
            yield client
        finally:
            for notice in () if access.follows_events else client.notices:
                if notice.loud:
                    access.tell(notice.text)


def _may_ask(access: KeyAccess) -> bool:
    """Whether a person may have to type a passphrase. A key that cannot be read is reported when it is opened."""
    from gateway.encryption.key_storage.key_files import list_keys
    from gateway.encryption.refusals import SealingRefused

    if access.passphrase_file is not None or not access.can_ask():
        return False
    try:
        return any(not one.file.is_unattended for one in list_keys(access.state))
    except SealingRefused:
        return True


def _constant(machine: MemberMachine | None) -> Callable[[str], MemberMachine | None]:
    return lambda name: machine


async def _own_name(endpoint: Endpoint, *, patient: bool) -> str:
    """The member that the token belongs to."""
    async with Client(endpoint, Hello(), patient=patient) as client:
        return client.welcome.you.name


def open_own_machine(name: str, access: KeyAccess) -> MemberMachine | None:
    """The opened keys of this member on this machine; None if there are none, or they stay closed."""
    if name not in access.opened:
        access.opened[name] = _open_machine(name, access)
    return access.opened[name]


def _open_machine(name: str, access: KeyAccess) -> MemberMachine | None:
    from gateway.encryption.member_client.member_machine import open_member_machine
    from gateway.encryption.refusals import SealingRefused

    try:
        return open_member_machine(access.state, name, _Passphrases(access))
    except PassphraseNotGiven as closed:
        access.note_problem(f"{closed}{CLOSED}")
    except SealingRefused as refused:
        if not access.tolerant:
            raise
        access.note_problem(f"{refused.message} {CLOSED}")
    return None


class _Passphrases:
    """The passphrase of each version of a key. Most often all have the same one, which is asked once."""

    def __init__(self, access: KeyAccess) -> None:
        self._access = access
        self._last = ""

    def __call__(self, stored: StoredKey) -> str:
        if self._last and self._opens(stored):
            return self._last
        access, name = self._access, stored.published.record.name
        if not stored.file.keyring and access.passphrase_file is None and not access.can_ask():
            raise PassphraseNotGiven(
                f"{name}'s key has a passphrase, and there is no terminal to ask at: --passphrase-file FILE, or "
                "GROUPCHAT_PASSPHRASE_FILE, names a private file that holds it. "
            )
        try:
            _, given = unlock_key(stored, access.passphrase_file, access.ask, GO_ON_WITHOUT)
        except PassphraseNotGiven:
            raise PassphraseNotGiven(f"{name}'s key stays locked. ") from None
        self._last = given or ""
        return self._last

    def _opens(self, stored: StoredKey) -> bool:
        from gateway.encryption.refusals import SealingRefused

        try:
            stored.unlock(self._last)
        except SealingRefused:
            return False
        return True


def can_open_sealed(client: Client) -> bool:
    """Whether this machine has opened a key of its member."""
    return getattr(client, "machine", None) is not None


def sealing_client(client: Client) -> SealedClient:
    """The client, if it can seal; otherwise an error that says what is missing."""
    from gateway.encryption.member_client.sealed_client import SealedClient

    name = client.welcome.you.name
    if not isinstance(client, SealedClient):
        raise BadRequest(
            f"There is no key of {name} on this machine, or it is newer than this. `groupchat key new {name}` makes "
            f"one. {REOPEN_TEXT}"
        )
    if client.machine is None:
        raise BadRequest(
            f"The key of {name} is locked or missing here, so nothing can be sealed or opened. {REOPEN_TEXT}"
        )
    return client
