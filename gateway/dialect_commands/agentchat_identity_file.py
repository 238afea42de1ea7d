"""The identity of an AgentChat agent: a name and an Ed25519 key pair in a file, in the form that AgentChat 0.3 reads.

Whoever has the file is that agent, so only its owner may read it.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import msgspec

from gateway.access.signatures import PublicKey, generate_key_pair
from gateway.files.private_files import read_private, write_private
from gateway.protocol.errors import BadRequest, NotFound

DEFAULT_IDENTITY_FILE = Path("~/.agentchat/identity.json")
FINGERPRINT_CHARS, AGENT_ID_CHARS = 16, 8


class SharedIdentity(msgspec.Struct, frozen=True):
    """What others may know of an identity."""

    name: str
    pubkey: str
    created: str = ""


class IdentityFile(msgspec.Struct, frozen=True):
    """The content of the file. `privkey` and `pubkey` are PEM."""

    name: str
    pubkey: str
    privkey: str | None = None
    created: str = ""

    @property
    def fingerprint(self) -> str:
        return hashlib.sha256(self.pubkey.encode()).hexdigest()[:FINGERPRINT_CHARS]

    @property
    def agent_id(self) -> str:
        """The id that a server gives to this key."""
        return f"@{self.fingerprint[:AGENT_ID_CHARS]}"

    @property
    def shared(self) -> SharedIdentity:
        return SharedIdentity(self.name, self.pubkey, self.created)


def new_identity(name: str, created: str) -> IdentityFile:
    keys = generate_key_pair()
    return IdentityFile(name, keys.public, keys.private, created)


def write_identity(path: Path, identity: IdentityFile) -> None:
    write_private(path, msgspec.json.format(msgspec.json.encode(identity)).decode() + "\n")


def read_identity(path: Path) -> IdentityFile:
    """The identity in the file, whose public key is checked."""
    try:
        found = msgspec.json.decode(read_private(path), type=IdentityFile)
    except (FileNotFoundError, NotADirectoryError):
        remedy = "`groupchat agentchat identity --generate` makes one."
        raise NotFound(f"There is no identity in {path}. {remedy}") from None
    except (msgspec.MsgspecError, UnicodeError) as error:
        raise BadRequest(f"{path} is no identity of AgentChat: {error}.") from None
    try:
        PublicKey.of(found.pubkey)
    except BadRequest as error:
        raise BadRequest(f"{path} is no identity of AgentChat. {error.message}") from None
    return found
