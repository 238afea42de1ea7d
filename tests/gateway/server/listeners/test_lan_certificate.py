"""The certificate for a local network: kept for its address, private, and renewed before it ends."""

from __future__ import annotations

import datetime
import hashlib
import ssl
import stat
from pathlib import Path

import pytest

from gateway.server.listeners.lan_certificate import (
    LIFETIME,
    RENEWED_BEFORE,
    certificate_for,
    make_certificate,
    needs_renewal,
)

NOON = datetime.datetime(2026, 11, 21, 12, tzinfo=datetime.UTC)
HERE = "192.168.1.5"
DAY = datetime.timedelta(days=1)

MOMENTS = [
    # address, when it is looked at, whether a new one is needed
    (HERE, NOON, False),
    (HERE, NOON - DAY / 2, False),  # the clock of another machine is behind
    (HERE, NOON - 2 * DAY, True),
    (HERE, NOON + LIFETIME - RENEWED_BEFORE - DAY, False),
    (HERE, NOON + LIFETIME - RENEWED_BEFORE, True),
    (HERE, NOON + LIFETIME + DAY, True),
    ("192.168.1.6", NOON, True),
    ("fd00::1", NOON, True),
]


@pytest.mark.parametrize(("address", "now", "renewed"), MOMENTS)
def test_when_it_is_renewed(address: str, now: datetime.datetime, renewed: bool) -> None:
    certificate, _ = make_certificate(HERE, NOON)
    assert needs_renewal(certificate, address, now) is renewed


def test_it_is_kept_for_its_address_where_only_its_owner_reads_it(tmp_path: Path) -> None:
    folder = tmp_path / "lan"
    first = certificate_for(folder, HERE, NOON)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(first.path.stat().st_mode) == 0o600
    assert certificate_for(folder, HERE, NOON + DAY) == first
    assert certificate_for(folder, "fd00::1", NOON).fingerprint != first.fingerprint
    assert certificate_for(folder, HERE, NOON + DAY) == first, "both are kept"
    renewed = certificate_for(folder, HERE, NOON + LIFETIME)
    assert renewed.fingerprint != first.fingerprint and renewed.ends == NOON + 2 * LIFETIME
    assert stat.S_IMODE(renewed.path.stat().st_mode) == 0o600


@pytest.mark.parametrize("content", ["", "nonsense", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
def test_a_broken_file_is_replaced(tmp_path: Path, content: str) -> None:
    kept = certificate_for(tmp_path / "lan", HERE, NOON)
    kept.path.write_text(content)
    assert certificate_for(tmp_path / "lan", HERE, NOON).fingerprint != kept.fingerprint


def test_a_certificate_without_its_key_is_replaced(tmp_path: Path) -> None:
    kept = certificate_for(tmp_path / "lan", HERE, NOON)
    kept.path.write_text(kept.path.read_text().partition("-----BEGIN PRIVATE KEY")[0])
    ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(
        certificate_for(tmp_path / "lan", HERE, NOON).path
    )


def test_its_fingerprint_is_the_one_that_browsers_show(tmp_path: Path) -> None:
    made = certificate_for(tmp_path / "lan", HERE, NOON)
    der = ssl.PEM_cert_to_DER_cert(made.path.read_text().partition("-----BEGIN PRIVATE KEY")[0])
    assert made.fingerprint.replace(":", "").lower() == hashlib.sha256(der).hexdigest()
    assert made.fingerprint.count(":") == 31 and made.fingerprint == made.fingerprint.upper()
