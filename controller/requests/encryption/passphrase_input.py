"""Gets the passphrase of a key: from a private file, or from the person at the terminal, who may try a few times."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from gateway.files.private_files import read_private
from gateway.protocol.errors import BadRequest, Forbidden, NotFound

if TYPE_CHECKING:
    from gateway.encryption.key_storage.key_files import StoredKey
    from gateway.encryption.member_keys.private_keys import MemberKeys

MAX_TRIES = 3
NO_TERMINAL = (
    "A passphrase is needed, and there is no terminal to ask at. Name a private file that holds it with "
    "--passphrase-file."
)


class PassphraseNotGiven(Exception):
    """The person goes on without the key, or nobody can be asked."""


def ask_hidden(question: str) -> str:
    """What the person types; empty for Enter alone."""
    if not sys.stdin.isatty():
        raise Forbidden(NO_TERMINAL)
    answer: str = typer.prompt(question, hide_input=True, err=True, default="", show_default=False)
    return answer


def unlock_key(
    stored: StoredKey, file: Path | None, ask: Callable[[str], str] = ask_hidden, about: str = ""
) -> tuple[MemberKeys, str | None]:
    """The keys, and the passphrase that opened them; None for an unattended key. The system's keyring is asked for one
    that it keeps. A person may try again, a file is read once. `about` stands behind the question."""
    from gateway.encryption.refusals import SealingFault, SealingRefused

    if stored.file.is_unattended:
        return stored.unlock(), None
    if stored.file.keyring:
        from gateway.encryption.key_storage.system_keyring import read_kept_passphrase

        kept = read_kept_passphrase(stored.file.keyring)
        return stored.unlock(kept), kept
    record = stored.published.record
    tries = 1 if file else MAX_TRIES
    asked = question = f"Passphrase of {record.name}'s key, version {record.version}{about}"
    for left in reversed(range(tries)):
        given = read_passphrase(file) if file else ask(question)
        if about and not file and not given:
            raise PassphraseNotGiven
        try:
            return stored.unlock(given), given
        except SealingRefused as refused:
            if refused.reason is not SealingFault.PASSPHRASE or not left:
                raise
            question = f"{refused.message}\n{asked}"  # told when nothing is echoed any more: people type on at once
    raise AssertionError


def choose_passphrase(file: Path | None, ask: Callable[[str], str] = ask_hidden) -> str:
    """A new passphrase. Typed twice, because a mistyped one would lock its owner out for ever."""
    from gateway.encryption.key_storage.passphrases import check_passphrase

    chosen = read_passphrase(file) if file else ask("New passphrase")
    check_passphrase(chosen)
    if not file and ask("The same passphrase again") != chosen:
        raise BadRequest("The two passphrases differ. Nothing was made.")
    return chosen


def read_passphrase(file: Path) -> str:
    """The first line of a file that only its owner can read."""
    from gateway.encryption.key_storage.key_files import refuse_readable_by_others

    try:
        refuse_readable_by_others(file)
        lines = read_private(file).decode(errors="surrogateescape").splitlines()
    except FileNotFoundError:
        raise NotFound(f"There is no passphrase file {file}.") from None
    except OSError as error:
        raise BadRequest(f"The passphrase file {file} cannot be read: {error.strerror}.") from None
    return lines[0] if lines else ""
