"""Make, list and exchange the keys by which members sign and seal.

Private keys stay on this machine. Fingerprints are compared outside of the chat: by telephone, or face to face.

Examples:
  groupchat key new boss
  groupchat key list
  groupchat key export boss > boss.key
  groupchat key import bob.key
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from controller.cli.encryption.key_publishing import publish_now, published_keys
from controller.requests.encryption.passphrase_input import choose_passphrase, unlock_key
from gateway.command_line.common_options import given
from gateway.console.client_options import ClientOptions
from gateway.console.console_output import print_json, print_lines, print_table, show_done
from gateway.protocol.errors import BadRequest, Forbidden, NotFound
from gateway.protocol.types.core_types import canonical_member_name

if TYPE_CHECKING:
    from gateway.encryption.key_storage.key_files import StoredKey
    from gateway.encryption.member_keys.key_records import KeyRecord
    from gateway.encryption.member_keys.pinned_keys import PinnedKey
    from gateway.encryption.member_keys.private_keys import MemberKeys

MAX_IMPORT_BYTES = 64 * 1024

REOPENED_TEXT = "A chat that is open uses it when it is opened again (in a session: `groupchat restart chat`)."

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="The member whose key it is.")]


def new_key(
    ctx: typer.Context,
    name: NameArgument,
    unattended: Annotated[
        bool,
        typer.Option("--unattended", help="No passphrase: for a sidecar or a script. Whoever reads the file has it."),
    ] = False,
    keyring: Annotated[
        bool,
        typer.Option("--keyring", help="Draw the passphrase, and keep it in the keyring of your system."),
    ] = False,
) -> None:
    """Make the first key of a member on this machine.

    It is sealed with a passphrase. Without it, nobody can read what was sealed to the key: neither can you.

    Examples:
      groupchat key new boss
      groupchat key new boss --keyring
      groupchat key new claude --unattended
    """
    from gateway.encryption.key_storage.key_files import list_keys, store_key
    from gateway.encryption.member_keys.private_keys import draw_keys

    context = given(ctx)
    name = canonical_member_name(name)
    earlier = list_keys(context.folder, name)
    if earlier and not earlier[-1].is_revoked:
        raise BadRequest(f"{name} has a key on this machine. `groupchat key rotate {name}` makes the next version.")
    version = earlier[-1].published.record.version + 1 if earlier else 1
    if unattended and keyring:
        raise BadRequest("An unattended key has no passphrase. Say --unattended or --keyring, not both.")
    keys = draw_keys(name, int(time.time()), version)
    stored = store_key(context.folder, _new_key_file(keys, context.passphrase_path, unattended, keyring))
    _show_made(stored, context.as_json, publish_now(context, name))


def rotate_key(ctx: typer.Context, name: NameArgument) -> None:
    """Make the next version of a key. The present one vouches for it, so others follow by themselves.

    The old version stays on this machine: it opens older messages.

    Example:
      groupchat key rotate boss
    """
    from gateway.encryption.key_storage.key_files import newest_key, store_key

    context = given(ctx)
    stored = newest_key(context.folder, name)
    if stored.is_revoked:
        raise BadRequest(f"This key was revoked, so it vouches for no other. `groupchat key new {name}` begins anew.")
    keys, passphrase = unlock_key(stored, context.passphrase_path)
    renewed = store_key(context.folder, _renewed_file(keys, passphrase, stored))
    _show_made(renewed, context.as_json, publish_now(context, renewed.published.record.name))


def _new_key_file(keys: MemberKeys, passphrase_path: Path | None, unattended: bool, keyring: bool) -> str:
    from gateway.encryption.key_storage.key_files import encode_key_file
    from gateway.encryption.key_storage.system_keyring import keep_new_passphrase

    if unattended:
        return encode_key_file(keys, None)
    if not keyring:
        return encode_key_file(keys, choose_passphrase(passphrase_path))
    entry = f"{keys.record.name} {keys.record.fingerprint.hex()}"
    return encode_key_file(keys, keep_new_passphrase(entry), entry)


def _renewed_file(keys: MemberKeys, passphrase: str | None, before: StoredKey) -> str:
    """The next version, sealed as the one before."""
    from gateway.encryption.key_storage.key_files import encode_key_file
    from gateway.encryption.member_keys.private_keys import renew_keys

    return encode_key_file(renew_keys(keys, int(time.time())), passphrase, before.file.keyring)


def show_keys(ctx: typer.Context) -> None:
    """List the keys on this machine, and the keys of others that it knows.

    Example:
      groupchat key list
    """
    from gateway.encryption.key_storage.key_files import list_keys
    from gateway.encryption.key_storage.pin_file import read_pins

    context = given(ctx)
    own, pins = list_keys(context.folder), read_pins(context.folder)
    given_out = _given_out(context, own)
    if context.as_json:
        others = [_pin_fields(pin) for pin in pins.values()]
        print_json({"own": [_own_fields(key) for key in own], "others": others, **given_out})
        return
    columns = ("your key", "version", "state", "fingerprint")
    print_table(
        (_row(_own_fields(key)) for key in own),
        columns=columns,
        nothing="No keys on this machine. `groupchat key new NAME` makes one.",
    )
    if pins:
        print_table((_row(_pin_fields(pin)) for pin in pins.values()), columns=("key of", *columns[1:]))
    if given_out:
        print_lines(given_out["gateway"]["words"], fg=None if given_out["gateway"]["same"] else typer.colors.RED)


def _given_out(context: ClientOptions, own: Sequence[StoredKey]) -> dict[str, Any]:
    """What a running gateway gives to others as the key of the member of this token; nothing without a gateway."""
    found = published_keys(context)
    if found is None:
        return {}
    name, published = found
    mine = {key.published.record.fingerprint for key in own if key.published.record.name == name}
    if published is None:
        return {"gateway": {"member": name, "same": not mine, "words": f"The gateway gives out no key for {name}."}}
    record, same = published.record, published.record.fingerprint in mine
    given = f"The gateway gives out version {record.version} for {name}"
    words = f"{given}, as here." if same else f"{given}, which is NOT ON THIS MACHINE: {_fields(record, '')['words']}"
    return {"gateway": {"member": name, "same": same, "words": words}}


def export_key(
    ctx: typer.Context,
    name: NameArgument,
    private: Annotated[
        Path | None,
        typer.Option("--private", metavar="FILE", help="Write the private key, for another machine of yours."),
    ] = None,
) -> None:
    """Print the public key of a member, in one line, for `groupchat key import` elsewhere.

    With --private FILE the whole key is written, sealed with its passphrase. A key without one that you know gets one
    for that.

    Examples:
      groupchat key export boss > boss.key
      groupchat key export boss --private boss-private.json
    """
    from gateway.encryption.key_storage.key_files import encode_key_file, newest_key
    from gateway.files.private_files import read_private, write_new_file

    context = given(ctx)
    stored = newest_key(context.folder, name)
    if private is None:
        show_done(_own_fields(stored) | {"public": stored.published.text}, stored.published.text, context.as_json)
        return
    if stored.file.is_unattended or stored.file.keyring:
        keys, _ = unlock_key(stored, None)
        text = encode_key_file(keys, choose_passphrase(context.passphrase_path))
    else:
        text = read_private(stored.path).decode()
    write_new_file(private, text)
    words = f"{private} holds the private key of {name}. Whoever has it and the passphrase reads and writes as {name}."
    show_done({"written": str(private)}, words, context.as_json)


def import_key(
    ctx: typer.Context,
    file: Annotated[
        str, typer.Argument(metavar="FILE", help="What `key export` or `key revoke` printed; - reads stdin.")
    ],
) -> None:
    """Take the key of another member, a revocation, or a private key of your own from another machine.

    The key of a member is remembered as it first comes; `groupchat key trust` makes it verified.

    Examples:
      groupchat key import bob.key
      groupchat key export bob --state /other | groupchat key import -
    """
    from gateway.encryption.key_storage.key_files import store_key
    from gateway.encryption.member_keys.key_records import REVOCATION_WORD

    context = given(ctx)
    text = _read_bounded(file)
    if text.startswith("{"):
        _show_made(store_key(context.folder, text), context.as_json)
    elif text.startswith(REVOCATION_WORD):
        _import_revocation(context.folder, text, context.as_json)
    else:
        _import_record(context.folder, text, context.as_json)


def trust_key(
    ctx: typer.Context,
    name: NameArgument,
    fingerprint: Annotated[
        list[str], typer.Argument(metavar="FINGERPRINT", help="As words or in hex, as the member reads it to you.")
    ],
) -> None:
    """Mark the key of a member as verified, after you have compared its fingerprint.

    Let the member read it to you, by telephone or face to face. Do not copy it from the chat or from this machine.

    Example:
      groupchat key trust bob 93ab 0f12 77c1 e04d 1b2a 9c3e 5f60 8d71 a2b3 c4d5
    """
    from controller.requests.encryption.known_keys import trust_member_key

    context = given(ctx)
    pin = trust_member_key(context.folder, canonical_member_name(name), " ".join(fingerprint))
    show_done(_pin_fields(pin), f"The key of {name} is verified.", context.as_json)


def revoke_key(
    ctx: typer.Context,
    name: NameArgument,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Declare the newest key of a member invalid, for ever: it was stolen, or is used no more.

    It prints a statement that the others take with `groupchat key import`. The key still opens older messages.

    Example:
      groupchat key revoke boss --yes > boss.revoked
    """
    from gateway.encryption.key_storage.key_files import newest_key, store_revocation
    from gateway.encryption.member_keys.private_keys import revoke_keys

    context = given(ctx)
    stored = newest_key(context.folder, name)
    if not yes:
        _confirm(f"Revoke version {stored.published.record.version} of the key of {name}, for ever?")
    keys, _ = unlock_key(stored, context.passphrase_path)
    statement = revoke_keys(keys)
    store_revocation(stored, statement)
    told = publish_now(context, stored.published.record.name)
    show_done(_own_fields(stored) | {"revocation": statement, "gateway": told}, statement, context.as_json)
    if not context.as_json:
        print_lines(told, dim=True, err=True)


def _confirm(question: str) -> None:
    if not sys.stdin.isatty():
        raise Forbidden("There is no terminal to ask at. Say --yes if you mean it.")
    if not typer.confirm(question, err=True):
        raise Forbidden("Nothing was revoked.")


def _read_bounded(file: str) -> str:
    from gateway.console.standard_streams import read_input

    text = read_input() if file == "-" else _read_file(Path(file))
    if len(text) > MAX_IMPORT_BYTES:
        raise BadRequest("This is too long for a key.")
    return text.strip()


def _read_file(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            return stream.read(MAX_IMPORT_BYTES + 1).decode(errors="replace")
    except (OSError, ValueError) as error:
        raise BadRequest(
            f"{path} cannot be read: {getattr(error, 'strerror', None) or 'no file has such a name'}."
        ) from None


def _import_record(state: Path, text: str, as_json: bool) -> None:
    from gateway.encryption.key_storage.pin_book import PinBook
    from gateway.encryption.member_keys.key_records import parse_key_record
    from gateway.encryption.member_keys.pinned_keys import PinFinding, compare_with_pin

    came = parse_key_record(text)
    name, found = came.record.name, []

    def taken(pins: dict[str, PinnedKey]) -> dict[str, PinnedKey]:
        found.append(compare_with_pin(pins.get(name), came))
        return {**pins, name: found[-1].pin}

    PinBook(state).change(taken)
    change = found[-1]
    told = {
        PinFinding.FIRST_USE: f"The key of {name} is new here, and not verified. Its fingerprint, to compare:",
        PinFinding.SAME: f"This key of {name} is known here.",
        PinFinding.ROTATED: f"{name} has renewed the key; the former one vouches for it.",
        PinFinding.CHANGED: f"THE KEY OF {name} HAS CHANGED. Nothing is sealed to {name} until you decide. Let {name} "
        f"read the fingerprint to you, then `groupchat key trust {name} FINGERPRINT`. The one that came:",
    }
    if as_json:
        print_json(_pin_fields(change.pin) | {"finding": change.finding})
        return
    print_lines(told[change.finding], *_fingerprint_lines(came.record))


def _import_revocation(state: Path, text: str, as_json: bool) -> None:
    from gateway.encryption.key_storage.pin_book import PinBook
    from gateway.encryption.member_keys.key_records import read_revocation
    from gateway.encryption.member_keys.pinned_keys import revoke_pin

    name = read_revocation(text)[0].name

    def revoked(pins: dict[str, PinnedKey]) -> dict[str, PinnedKey]:
        if name not in pins:
            raise NotFound("This revokes a key that is not known here.")
        return {**pins, name: revoke_pin(pins[name], text)}

    pin = PinBook(state).change(revoked)[name]
    show_done(_pin_fields(pin), f"The key of {name} is revoked. Nothing is sealed to it any more.", as_json)


def _show_made(stored: StoredKey, as_json: bool, published: str = "") -> None:
    if as_json:
        print_json(_own_fields(stored) | ({"gateway": published} if published else {}))
        return
    record = stored.published.record
    kept = "without a passphrase: whoever reads this file has the key" if stored.file.is_unattended else "sealed"
    if stored.file.keyring:
        kept = "sealed with a passphrase that the system's keyring keeps"
    print_lines(
        f"Version {record.version} of the key of {record.name} is in {stored.path}, {kept}.",
        *_fingerprint_lines(record),
        *([published] if published else []),
        *([] if stored.file.is_unattended or not published else [REOPENED_TEXT]),
    )


def _fingerprint_lines(record: KeyRecord) -> tuple[str, str]:
    from gateway.encryption.member_keys.fingerprints import fingerprint_hex, fingerprint_words

    return f"  {fingerprint_words(record.fingerprint)}", f"  {fingerprint_hex(record.fingerprint)}"


def _own_fields(key: StoredKey) -> dict[str, Any]:
    kind = "unattended, no passphrase" if key.file.is_unattended else "passphrase"
    if key.file.keyring:
        kind = "passphrase in the system's keyring"
    return _fields(key.published.record, f"revoked, {kind}" if key.is_revoked else kind)


def _pin_fields(pin: PinnedKey) -> dict[str, Any]:
    return _fields(pin.record, str(pin.trust))


def _fields(record: KeyRecord, state: str) -> dict[str, Any]:
    words, digits = (line.strip() for line in _fingerprint_lines(record))
    return {"name": record.name, "version": record.version, "state": state, "words": words, "fingerprint": digits}


def _row(fields: dict[str, Any]) -> tuple[str, ...]:
    return fields["name"], str(fields["version"]), fields["state"], fields["words"]
