"""Claim: the check of an identity provider's token (JWT) takes less than 0.1 ms of processor time, with each family of
keys; what the gateway adds to the bare verification of the signature takes less than bare PyJWT adds to it.

A first check is that of a token that the gateway has not seen: form, key, signature, claims, map. Each further request
with the same token takes what stands under "again". The baselines are `jwt.decode` of PyJWT with the same key,
issuer and audience, and the verification of the signature alone by `cryptography`, in rounds that alternate.
"""

from __future__ import annotations

import asyncio
import time
import tomllib
from base64 import urlsafe_b64decode
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median
from typing import Any

import jwt
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from benchmarks.figures import Cell, Outcome, Table, Verdict
from gateway.access.claim_mapping import IssuerSettings, member_of_claims, parse_identity_settings
from gateway.access.provider_tokens import check_provider_token, parse_key_set, read_form
from gateway.server.identity.provider_access import AcceptedProvider
from tests.support.issuer import (
    ALGORITHM_OF,
    AUDIENCE,
    ISSUER,
    claims,
    key_set,
    private_key,
    public_jwk,
    settings_text,
    sign,
)

ROUNDS, CHECKS = 41, 100
LIMIT_MS = 0.1
EC_BYTES = 32
FIRST, PYJWT, BARE, AGAIN = "first check", "bare PyJWT", "signature alone", "again"


def measure(folder: Path, *, quick: bool) -> Outcome:
    rounds = 7 if quick else ROUNDS
    rows: list[dict[str, Cell]] = []
    verdicts: list[Verdict] = []
    for family, algorithm in ALGORITHM_OF.items():
        took = _measure_family(family, folder, rounds)
        ours, theirs = took[FIRST] - took[BARE], took[PYJWT] - took[BARE]
        figures = {**took, "ours": ours, "PyJWT's": theirs}
        rows.append({"CPU ms": algorithm, **{name: round(value, 4) for name, value in figures.items()}})
        verdicts += [
            Verdict(f"{algorithm}: first check of a token, CPU ms", took[FIRST], LIMIT_MS, at_least=False),
            Verdict(f"{algorithm}: what is ours of it, over what is PyJWT's", ours / theirs, 1.0, at_least=False),
            Verdict(f"{algorithm}: a further check, CPU ms", took[AGAIN], LIMIT_MS, at_least=False),
        ]
    note = (
        f"Median of {rounds} rounds of {CHECKS} checks. `ours` and `PyJWT's`: what each adds to the verification of "
        "the signature alone."
    )
    return Outcome("identity", (Table("Checking a token of an identity provider", tuple(rows), note),), tuple(verdicts))


def _measure_family(family: str, folder: Path, rounds: int) -> dict[str, float]:
    token = sign(claims(time.time()), family)
    (folder / "keys.json").write_bytes(key_set(public_jwk(family)))
    steps = {FIRST: _first_check(token, family), PYJWT: _pyjwt_check(token, family), BARE: _bare_check(token, family)}
    took = _alternating(steps, rounds)
    return {**took, AGAIN: asyncio.run(_measure_again(token, family, folder, rounds))}


def _settings_for(family: str) -> IssuerSettings:
    text = settings_text('keys = "keys.json"', algorithm=ALGORITHM_OF[family])
    return parse_identity_settings(tomllib.loads(text), "issuers.toml").issuer[0]


def _first_check(token: str, family: str) -> Callable[[], object]:
    settings, now = _settings_for(family), time.time()
    accepted = settings.accepted()
    keys = parse_key_set(key_set(public_jwk(family)), accepted.algorithms)

    def check() -> object:
        checked, found = check_provider_token(read_form(token), accepted, keys, now)
        return member_of_claims(settings, checked, found)

    return check


def _pyjwt_check(token: str, family: str) -> Callable[[], object]:
    key, algorithm = jwt.PyJWK(public_jwk(family), ALGORITHM_OF[family]), ALGORITHM_OF[family]
    return lambda: jwt.decode(token, key, algorithms=[algorithm], audience=AUDIENCE, issuer=ISSUER)


def _bare_check(token: str, family: str) -> Callable[[], object]:
    text, _, encoded = token.rpartition(".")
    signed, signature = text.encode(), urlsafe_b64decode(encoded + "==")
    key: Any = private_key(family).public_key()
    match family:
        case "rsa":
            return lambda: key.verify(signature, signed, padding.PKCS1v15(), hashes.SHA256())
        case "ec":
            r, s = (int.from_bytes(half) for half in (signature[:EC_BYTES], signature[EC_BYTES:]))
            der = encode_dss_signature(r, s)
            return lambda: key.verify(der, signed, ec.ECDSA(hashes.SHA256()))
        case _:
            return lambda: key.verify(signature, signed)


def _alternating(steps: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Processor time of one check in milliseconds, the middle of the rounds."""
    times: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(rounds):
        for name, step in steps.items():
            began = time.process_time()
            for _ in range(CHECKS):
                step()
            times[name].append((time.process_time() - began) * 1000 / CHECKS)
    return {name: median(found) for name, found in times.items()}


async def _measure_again(token: str, family: str, folder: Path, rounds: int) -> float:
    """As the gateway does it at each request with a token that it has checked before."""
    provider, now = AcceptedProvider(_settings_for(family), folder / "issuers.toml"), time.time()
    await provider.check(read_form(token), now)
    times = []
    for _ in range(rounds):
        began = time.process_time()
        for _ in range(CHECKS):
            await provider.check(read_form(token), now)
        times.append((time.process_time() - began) * 1000 / CHECKS)
    await provider.keys.stop()
    return median(times)
