"""Admissions: a member who may admit says, signed, who else gets the key of a sealed room. Pure."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from gateway.encryption.member_keys.fingerprints import FINGERPRINT_BYTES
from gateway.encryption.member_keys.key_records import MAX_KEY_VERSION, KeyRecord, KeyVersion, SignedData
from gateway.encryption.member_keys.private_keys import MemberKeys
from gateway.encryption.member_keys.purpose_signatures import Purpose, is_signed_for, sign_for
from gateway.encryption.refusals import SealingFault, SealingRefused

MemberName = Annotated[str, Meta(max_length=64)]
Fingerprint = Annotated[bytes, Meta(min_length=FINGERPRINT_BYTES, max_length=FINGERPRINT_BYTES)]
FollowedVersion = Annotated[int, Meta(ge=0, le=MAX_KEY_VERSION)]


class Admission(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """`after` is the version of the room key that this admission follows: it counts for the next version alone, and
    not again after the member was put out. 0: for the first."""

    house: Annotated[str, Meta(max_length=200)]
    room: MemberName
    name: MemberName
    fingerprint: Fingerprint
    may_admit: bool
    after: FollowedVersion
    by: MemberName
    by_key: KeyVersion


def sign_admission(admission: Admission, keys: MemberKeys) -> SignedData:
    data = msgspec.msgpack.encode(admission)
    return SignedData(data, sign_for(Purpose.ADMISSION, data, keys.signing))


def read_admission(signed: SignedData, admitter: KeyRecord | None) -> Admission:
    """The admission, if its admitter signed it."""
    wrong = SealingRefused(SealingFault.NOT_ADMITTED, "An admission to this room was not signed by who it names.")
    if admitter is None or not is_signed_for(Purpose.ADMISSION, signed.data, signed.signature, admitter.signing):
        raise wrong
    admission = named_in(signed)
    if admission is None or (admission.by, admission.by_key) != (admitter.name, admitter.version):
        raise wrong
    return admission


def named_in(signed: SignedData) -> Admission | None:
    """What an admission says, before anybody has checked it: it tells whose key to check it with."""
    try:
        return msgspec.msgpack.decode(signed.data, type=Admission)
    except (msgspec.MsgspecError, ValueError):
        return None
