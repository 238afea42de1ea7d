"""Publishes the member's own keys at the gateway, and pins those of others as the gateway gives them out.

The gateway is not believed: what it says of other members is compared with the pins, and what it says of this member is
compared with the files of this machine.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

import msgspec

from gateway.encryption.key_storage.key_files import StoredKey
from gateway.encryption.member_client.checked_messages import SealingNotice
from gateway.encryption.member_client.house_link import HouseLink
from gateway.encryption.member_keys.fingerprints import fingerprint_hex, fingerprint_words
from gateway.encryption.member_keys.key_records import KeyRecord, PublishedKey, parse_key_record, read_revocation
from gateway.encryption.member_keys.pinned_keys import PinFinding, PinnedKey, compare_with_pin, newest_run, revoke_pin
from gateway.encryption.refusals import SealingRefused
from gateway.protocol.requests.member_requests import KeyRecords, PublishKey, RevokeKey
from gateway.protocol.results import Done, KeyRecordList, MemberKeyRecords

MAX_PINS = 10_000  # a gateway that invents members must not fill the disk
MAX_NAMED_KEYS = 3  # more new keys at once are told in one line


class KeyExchange:
    def __init__(self, link: HouseLink) -> None:
        self._machine, self._ask, self._tell = link.machine, link.ask, link.tell
        self._missing: set[str] = set()
        self._compared: set[str] = set()  # revocations; most are of keys that nobody has here any more

    async def greet(self) -> None:
        """After each connection: publish what is new of ours, and compare what is known of all."""
        given = await self._fetch(KeyRecords())
        mine = next((one for one in given if one.member == self._machine.name), None)
        self.take(given)
        await self._publish_own(mine or MemberKeyRecords(self._machine.name, ()))

    async def publish_renewed(self) -> None:
        """Publish what was renewed while this program runs, before anything is signed with it."""
        mine = await self._fetch(KeyRecords(names=(self._machine.name,)))
        await self._publish_own(mine[0] if mine else MemberKeyRecords(self._machine.name, ()))

    async def fetch_unknown(self, names: Iterable[str]) -> None:
        """Ask for the keys of members that have none here; once for each."""
        known = self._machine.pins.pins()
        wanted = sorted({*names} - {*known, self._machine.name} - self._missing)
        if wanted:
            self.take(await self._fetch(KeyRecords(names=tuple(wanted))))
            missing = {*wanted} - {*self._machine.pins.pins()}
            self._missing = missing | self._missing if len(self._missing) < MAX_PINS else missing

    async def _fetch(self, request: KeyRecords) -> list[MemberKeyRecords]:
        """All pages. A page that does not go on behind the one before it is the last."""
        found: list[MemberKeyRecords] = []
        while len(found) < MAX_PINS:
            page = await self._ask(request, KeyRecordList)
            found += page.keys
            if not page.more or not page.keys or page.keys[-1].member <= request.after:
                break
            request = msgspec.structs.replace(request, after=page.keys[-1].member)
        return found

    # our own

    async def _publish_own(self, given: MemberKeyRecords) -> None:
        theirs = {one.record.version: one for one in _readable(given.records)}
        own = {key.published.record.version: key for key in self._machine.stored()}
        for version, key in own.items():
            self._compare_own(key, theirs.get(version))
        newest = max(theirs, default=0)
        if newest > max(own, default=0):
            self._tell(SealingNotice(_RENEWED_ELSEWHERE.format(version=newest), loud=True, member=self._machine.name))
        for version in sorted(one for one in own if one > newest):
            await self._ask(PublishKey(record=own[version].published.text, version=version), Done)
        for version, key in own.items():
            if key.is_revoked:
                await self._publish_revocation(version, key, given.revocations)

    async def _publish_revocation(self, version: int, key: StoredKey, known: Collection[str]) -> None:
        statement = key.revocation.read_text().strip()
        if statement not in known:
            await self._ask(RevokeKey(statement=statement, version=version), Done)

    def _compare_own(self, key: StoredKey, given: PublishedKey | None) -> None:
        if given is not None and given.record.fingerprint != key.published.record.fingerprint:
            self._tell(SealingNotice(_OTHER_OWN_KEY.format(told=told_key(given.record)), loud=True))

    # those of others

    def take(self, given: Iterable[MemberKeyRecords]) -> None:
        """Compare what the gateway gives out with the pins, and remember what is new."""
        news = [one for one in given if one.member != self._machine.name and self._is_new(one)]
        self._missing -= {one.member for one in news}
        if not news:
            return
        told: list[tuple[SealingNotice, bool]] = []

        def change(pins: dict[str, PinnedKey]) -> dict[str, PinnedKey]:
            told.clear()
            for one in news:
                pin = self._follow(pins.get(one.member), one, told)
                if pin is not None and (one.member in pins or len(pins) < MAX_PINS):
                    pins[one.member] = pin
            return pins

        self._machine.pins.change(change)
        self._tell_all(told)

    def _is_new(self, given: MemberKeyRecords) -> bool:
        """Whether there is anything that the pin does not say already. Most often there is not."""
        pin = self._machine.pins.pins().get(given.member)
        if pin is None:
            return bool(given.records)
        newest = given.records[-1:] == (pin.pinned,) or given.records[-1:] == (pin.waiting,)
        revocations = any(one not in self._compared for one in given.revocations)
        return bool(given.records and not newest) or (revocations and not pin.revoked)

    def _follow(
        self, pin: PinnedKey | None, given: MemberKeyRecords, told: list[tuple[SealingNotice, bool]]
    ) -> PinnedKey | None:
        """The pin after all that the gateway gives for this member; each finding is told."""
        for came in _still_to_compare(pin, given.records):
            try:
                if came.record.name != given.member:
                    continue
                change = compare_with_pin(pin, came)
            except SealingRefused:
                continue  # an old key: it is used for nothing
            pin = change.pin
            if change.finding is not PinFinding.SAME:
                told.append((_finding_notice(change.finding, came.record), change.finding is PinFinding.FIRST_USE))
        for statement in given.revocations:
            pin = self._revoked(pin, statement, told)
        if pin is not None and len(self._compared) < MAX_PINS:
            self._compared.update(given.revocations)
        return pin

    def _revoked(
        self, pin: PinnedKey | None, statement: str, told: list[tuple[SealingNotice, bool]]
    ) -> PinnedKey | None:
        if pin is None or pin.revoked:
            return pin
        try:
            version = read_revocation(statement)[0].version
            if version > pin.record.version or (version < pin.record.version and not pin.earlier):
                return pin
            revoked = revoke_pin(pin, statement)
        except SealingRefused:
            return pin
        name = pin.record.name
        if not revoked.revoked:
            text = f"{name} has revoked an old key (version {version}). What it signed is not believed any more."
        else:
            text = (
                f"{name} has revoked the key that is known here. Nothing is sealed to {name} until there is a new one."
            )
        told.append((SealingNotice(text, loud=True, member=name), False))
        return revoked

    def _tell_all(self, told: Sequence[tuple[SealingNotice, bool]]) -> None:
        """First keys are told one by one, or in one line if there are many, as on the first day in a large room."""
        first = [notice for notice, is_first in told if is_first]
        for notice, is_first in told:
            if not is_first or len(first) <= MAX_NAMED_KEYS:
                self._tell(notice)
        if len(first) > MAX_NAMED_KEYS:
            self._tell(
                SealingNotice(f"Keys of {len(first)} members are new here. None is verified; `/keys` lists them.")
            )


def told_key(record: KeyRecord) -> str:
    """`version 2, lusab babad ... (93ab 0f12 ...)`"""
    fingerprint = record.fingerprint
    return f"version {record.version}, {fingerprint_words(fingerprint)} ({fingerprint_hex(fingerprint)})"


def _readable(texts: Iterable[str]) -> list[PublishedKey]:
    found = []
    for text in texts:
        try:
            found.append(parse_key_record(text))
        except SealingRefused:
            continue
    return found


def _still_to_compare(pin: PinnedKey | None, texts: Sequence[str]) -> Sequence[PublishedKey]:
    """The records that come after the pinned one. Where that is not among them: the later ones, or at least the last,
    so that a gateway that gives out another key is noticed."""
    readable = _readable(texts)
    if pin is None:
        return newest_run(readable)
    pinned = pin.record
    later = [one for one in readable if one.record.version > pinned.version]
    is_there = any(one.record.fingerprint == pinned.fingerprint for one in readable)
    return later if later or is_there else readable[-1:]


def _finding_notice(finding: PinFinding, record: KeyRecord) -> SealingNotice:
    name, told = record.name, told_key(record)
    if finding is PinFinding.CHANGED:
        text = (
            f"THE KEY OF {name} HAS CHANGED. Nothing is sealed to {name}, and nothing of {name} is believed, until you "
            f"decide. Let {name} read the fingerprint to you, not by this chat, then `groupchat key trust {name} "
            f"FINGERPRINT`. The one that came: {told}."
        )
        return SealingNotice(text, loud=True, member=name)
    if finding is PinFinding.ROTATED:
        return SealingNotice(f"{name} has renewed the key; the former one vouches for it: {told}.", member=name)
    return SealingNotice(f"The key of {name} is new here, and not verified: {told}.", member=name)


_RENEWED_ELSEWHERE = (
    "The gateway gives out version {version} of your key, which is not on this machine. If you renewed it on another "
    "one, `groupchat key import` brings it here. If not, somebody writes in your name: tell the others."
)
_OTHER_OWN_KEY = (
    "THE GATEWAY GIVES OUT ANOTHER KEY FOR YOU than the one on this machine, so others may seal to somebody else. If "
    "it is the one of another machine of yours, bring it here (`groupchat key export NAME --private FILE` there, "
    "`key import FILE` here, in a state folder without a key of yours). If not, tell the others your fingerprint, "
    "not by this chat (`groupchat key list`). The other key: {told}."
)
