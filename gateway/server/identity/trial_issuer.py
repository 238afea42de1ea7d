"""An identity provider of one's own, for those who try `serve --jwt`: a key, its key set and the settings as files in
the state folder, and tokens that are signed with that key."""

from __future__ import annotations

import json
import secrets
from pathlib import Path

import jwt
from jwt.algorithms import OKPAlgorithm

from gateway.access.signatures import generate_key_pair
from gateway.files.private_files import write_private
from gateway.protocol.requests.member_requests import CreateToken

TRIAL_FOLDER = "trial-issuer"
TRIAL_ISSUER = "groupchat-trial"
AUDIENCE = "groupchat"
KEY_ID = "trial-1"
ALGORITHM = "EdDSA"
DEFAULT_LIFETIME_S = 3600.0

_SETTINGS = f"""\
# An issuer to try tokens of identity providers with: `groupchat serve --jwt THIS_FILE`. Whoever has key.pem beside this
# file can come in as anybody, so do not use it for a team. docs/guides/identity.md explains each setting.
[[issuer]]
issuer = "{TRIAL_ISSUER}"
audience = "{AUDIENCE}"
keys = "keys.json"
algorithms = ["{ALGORITHM}"]

[issuer.name]
claim = "preferred_username"

[issuer.kind]
claim = "kind"
values = {{ human = "human", agent = "agent", tool = "tool" }}

[issuer.scopes]
claim = "groups"
values = {{ observers = ["observer"], approvers = ["approver"], admins = ["admin"] }}
"""


def ensure_trial_issuer(state: Path) -> Path:
    """The settings of the trial issuer in this state folder; they are made if they are not there."""
    folder = state / TRIAL_FOLDER
    settings = folder / "issuer.toml"
    if not settings.exists():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        pair = generate_key_pair()
        public = OKPAlgorithm().prepare_key(pair.public)
        key = {**OKPAlgorithm.to_jwk(public, as_dict=True), "kid": KEY_ID, "alg": ALGORITHM, "use": "sig"}
        write_private(folder / "key.pem", pair.private)
        write_private(folder / "keys.json", json.dumps({"keys": [key]}, indent=1))
        write_private(settings, _SETTINGS)
    return settings


def create_trial_token(state: Path, wish: CreateToken, now: float) -> str:
    """A token of the trial issuer, as an identity provider would give one to this person or program."""
    ensure_trial_issuer(state)
    claims = {
        "iss": TRIAL_ISSUER,
        "sub": wish.name,
        "aud": AUDIENCE,
        "jti": secrets.token_hex(8),
        "iat": int(now),
        "exp": int(now + (wish.expires_in or DEFAULT_LIFETIME_S)),
        "preferred_username": wish.name,
        "kind": str(wish.kind),
        "groups": [f"{scope}s" for scope in wish.scopes],
    }
    private = (state / TRIAL_FOLDER / "key.pem").read_text()
    return jwt.encode(claims, private, ALGORITHM, {"kid": KEY_ID})
