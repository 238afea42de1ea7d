"""Claim: the check of an identity provider's token takes less than 0.1 ms of CPU.

`python -P -m benchmarks.identity_check` prints, for each family of keys, the first check of a token (form, signature,
claims, map) and a further check of the same token as the gateway does it at each request. The middle of many rounds.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
import tomllib
from collections.abc import Callable
from pathlib import Path

from gateway.access.claim_mapping import IssuerSettings, member_of_claims, parse_identity_settings
from gateway.access.provider_tokens import check_provider_token, parse_key_set, read_form
from gateway.server.identity.provider_access import AcceptedProvider
from tests.support.issuer import ALGORITHM_OF, claims, key_set, public_jwk, settings_text, sign

ROUNDS, CHECKS = 21, 200
CLAIMED_MS = 0.1


def settings_for(family: str) -> IssuerSettings:
    text = settings_text('keys = "keys.json"', algorithm=ALGORITHM_OF[family])
    return parse_identity_settings(tomllib.loads(text), "issuers.toml").issuer[0]


def milliseconds(work: Callable[[], object]) -> float:
    """CPU time of one piece of work: the middle of the rounds."""

    def once() -> float:
        begun = time.process_time()
        for _ in range(CHECKS):
            work()
        return (time.process_time() - begun) * 1000 / CHECKS

    return statistics.median(once() for _ in range(ROUNDS))


def measure_first(family: str) -> float:
    settings, now = settings_for(family), time.time()
    accepted = settings.accepted()
    keys = parse_key_set(key_set(public_jwk(family)), accepted.algorithms)
    token = sign(claims(now), family)

    def check() -> None:
        checked, found = check_provider_token(read_form(token), accepted, keys, now)
        member_of_claims(settings, checked, found)

    return milliseconds(check)


async def measure_again(family: str) -> float:
    now = time.time()
    token = sign(claims(now), family)
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "keys.json").write_bytes(key_set(public_jwk(family)))
        provider = AcceptedProvider(settings_for(family), Path(folder) / "issuers.toml")
        await provider.check(read_form(token), now)
        times = []
        for _ in range(ROUNDS):
            begun = time.process_time()
            for _ in range(CHECKS):
                await provider.check(read_form(token), now)
            times.append((time.process_time() - begun) * 1000 / CHECKS)
    return statistics.median(times)


def main() -> None:
    for family, algorithm in ALGORITHM_OF.items():
        first, again = measure_first(family), asyncio.run(measure_again(family))
        verdict = "holds" if first < CLAIMED_MS else "does not hold"
        print(f"{algorithm}: first check {first:.4f} ms, again {again:.4f} ms; under {CLAIMED_MS} ms {verdict}")


if __name__ == "__main__":
    main()
