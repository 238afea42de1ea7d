"""Decides, before a message is sealed, whether the room needs a new key, and for whom. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from gateway.encryption.member_keys.key_records import KeyRecord
from gateway.encryption.room_keys.admissions import Admission
from gateway.encryption.room_keys.notices import RoomKeyNotice, RosterEntry


@dataclass(frozen=True)
class RotationPlan:
    """`roster` is who gets the key under which the next message is sealed. `ghosts` are in the room by the gateway's
    word alone. `barred` were in the roster and get no key now: theirs has changed, is revoked, or is unknown."""

    roster: tuple[RosterEntry, ...]
    is_due: bool
    gone: tuple[str, ...] = ()
    renewed: tuple[str, ...] = ()
    admitted: tuple[str, ...] = ()
    ghosts: tuple[str, ...] = ()
    barred: tuple[str, ...] = ()


def plan_rotation(
    notice: RoomKeyNotice,
    shown: Collection[str],
    pins: Mapping[str, KeyRecord],
    admissions: Collection[Admission] = (),
) -> RotationPlan:
    """`shown` is whom the gateway shows in the room, or as invited to it; `pins` holds the usable keys; `admissions`
    are checked ones that follow this notice."""
    former = notice.entries
    allowed = {one.name: one for one in admissions}
    coming = sorted(name for name in set(allowed) & set(shown) if _may_come(allowed[name], former.get(name), pins))
    staying = [name for name in former if name in shown and name in pins]
    entries = {name: _entry(pins[name], former[name].may_admit) for name in staying}
    entries |= {name: _entry(pins[name], allowed[name].may_admit) for name in coming}
    roster = tuple(entries[name] for name in sorted(entries))
    return RotationPlan(
        roster,
        is_due=set(roster) != set(notice.roster),
        gone=tuple(sorted(set(former) - set(shown))),
        renewed=tuple(sorted(name for name in staying if pins[name].fingerprint != former[name].fingerprint)),
        admitted=tuple(coming),
        ghosts=tuple(sorted(set(shown) - set(former) - set(coming))),
        barred=tuple(sorted(name for name in former if name in shown and name not in pins)),
    )


def _may_come(admission: Admission, known: RosterEntry | None, pins: Mapping[str, KeyRecord]) -> bool:
    """Whether an admission adds somebody, or lets a member admit others, with the key that is pinned."""
    pinned = pins.get(admission.name)
    if pinned is None or pinned.fingerprint != admission.fingerprint:
        return False
    return known is None or (admission.may_admit and not known.may_admit)


def _entry(record: KeyRecord, may_admit: bool) -> RosterEntry:
    return RosterEntry(record.name, record.version, record.fingerprint, may_admit)
