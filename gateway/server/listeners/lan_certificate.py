"""The certificate with which the page is served to the local network: self-signed, for one address, kept in the state
folder so that a browser that has accepted it knows it again, and renewed a week before it ends."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from gateway.files.private_files import make_private_folder, read_private, write_private

LIFETIME = datetime.timedelta(days=365)  # browsers of phones take no server's certificate of more than 825 days
RENEWED_BEFORE = datetime.timedelta(days=7)
CLOCKS_DIFFER_BY = datetime.timedelta(days=1)
COMMON_NAME = "llm-groupchat"


@dataclass(frozen=True)
class LanCertificate:
    """`path` holds the certificate and its key. `fingerprint` is the certificate's SHA-256 as browsers show it."""

    path: Path
    fingerprint: str
    ends: datetime.datetime


def certificate_for(folder: Path, address: str, now: datetime.datetime) -> LanCertificate:
    """The kept certificate for this address, or a new one."""
    make_private_folder(folder)
    path = folder / f"{address}.pem"
    certificate = _read_certificate(path)
    if certificate is None or needs_renewal(certificate, address, now):
        certificate, pem = make_certificate(address, now)
        write_private(path, pem)
    return LanCertificate(path, certificate.fingerprint(SHA256()).hex(":").upper(), certificate.not_valid_after_utc)


def _read_certificate(path: Path) -> x509.Certificate | None:
    """The certificate in this file, if its key is there too."""
    try:
        pem = read_private(path)
        load_pem_private_key(pem[pem.index(b"-----BEGIN PRIVATE KEY") :], None)
        return x509.load_pem_x509_certificate(pem)
    except (FileNotFoundError, ValueError):
        return None


def needs_renewal(certificate: x509.Certificate, address: str, now: datetime.datetime) -> bool:
    """Whether it is for another address, or holds no longer, or not yet."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return True
    if names.get_values_for_type(x509.IPAddress) != [ip_address(address)]:
        return True
    return not certificate.not_valid_before_utc <= now < certificate.not_valid_after_utc - RENEWED_BEFORE


def make_certificate(address: str, now: datetime.datetime) -> tuple[x509.Certificate, str]:
    """A new certificate, and the text to keep: it, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, COMMON_NAME)])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - CLOCKS_DIFFER_BY)
        .not_valid_after(now + LIFETIME)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(address))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, SHA256())
    )
    kept = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return certificate, (certificate.public_bytes(Encoding.PEM) + kept).decode()
