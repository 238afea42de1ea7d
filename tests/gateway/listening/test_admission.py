"""Which connections stay: tables without sockets."""

from __future__ import annotations

import pytest

from gateway.listening.unauthenticated_connections import (
    RESERVED_DESCRIPTORS,
    AdmissionControl,
    ConnectionLimits,
    UnprovenConnection,
    peer_of,
)

SMALL = ConnectionLimits(strangers=3, strangers_of_one_peer=2, guests=2, members=4, of_one_member=2)


def stranger(peer: str = "", until: float = 10.0) -> UnprovenConnection:
    return UnprovenConnection(peer, until)


def filled(*numbers: int, peer: str = "") -> AdmissionControl:
    admission = AdmissionControl(SMALL)
    for number in numbers:
        admission.add_connection(number, stranger(peer))
    return admission


def test_the_oldest_stranger_makes_way_for_the_newcomer() -> None:
    admission = filled(1, 2, 3)
    assert admission.add_connection(4, stranger()) == [1]
    assert list(admission.strangers) == [2, 3, 4]


def test_whoever_was_refused_makes_way_before_the_oldest() -> None:
    admission = filled(1, 2, 3)
    admission.mark_refused(2)
    admission.mark_refused(77)
    assert admission.add_connection(4, stranger()) == [2]
    assert admission.add_connection(5, stranger()) == [1]
    admission.mark_refused(3)
    admission.mark_proven(3, "ann")
    assert admission.add_connection(6, stranger()) == []
    assert admission.add_connection(7, stranger()) == [4]


def test_one_peer_fills_only_its_own_share() -> None:
    admission = filled(1)
    assert admission.add_connection(2, stranger("192.0.2.1")) == []
    assert admission.add_connection(3, stranger("192.0.2.1")) == []
    assert admission.add_connection(4, stranger("192.0.2.1")) == [2]
    assert list(admission.strangers) == [1, 3, 4]


def test_whoever_has_shown_a_token_is_not_counted_among_strangers() -> None:
    admission = filled(1, 2, 3)
    assert admission.mark_proven(1, "ann") == []
    assert admission.add_connection(4, stranger()) == []
    assert admission.add_connection(5, stranger()) == [2]
    assert admission.members == 1


def test_a_member_has_its_share_and_gives_up_its_own_oldest() -> None:
    admission = filled(1, 2, 3)
    dropped = [admission.mark_proven(number, "ann") for number in (1, 2, 3)]
    assert dropped == [[], [], [1]]


def test_when_members_are_too_many_the_one_with_most_gives_up_one() -> None:
    admission = AdmissionControl(SMALL)
    for number, member in enumerate(["ann", "ann", "ben", "cleo"]):
        admission.add_connection(number, stranger())
        assert admission.mark_proven(number, member) == []
    admission.add_connection(9, stranger())
    assert admission.mark_proven(9, "dan") == [0]


def test_when_each_member_has_one_the_last_to_come_is_refused() -> None:
    admission = AdmissionControl(SMALL)
    for number in range(4):
        admission.add_connection(number, stranger())
        admission.mark_proven(number, f"member-{number}")
    admission.add_connection(9, stranger())
    assert admission.mark_proven(9, "dan") == [9]


def test_guests_have_a_share_of_their_own() -> None:
    admission = filled(1, 2, 3)
    assert [admission.mark_guest(number) for number in (1, 2, 3)] == [[], [], [1]]
    assert (list(admission.guests), list(admission.strangers)) == ([2, 3], [])


def test_a_guest_that_shows_a_token_is_a_member() -> None:
    admission = filled(1)
    admission.mark_guest(1)
    assert admission.mark_proven(1, "ann") == []
    assert (list(admission.guests), admission.members) == ([], 1)


def test_a_connection_goes_over_to_the_member_whose_token_came_last() -> None:
    """A proxy in front of the gateway uses one connection for several."""
    admission = filled(1)
    admission.mark_proven(1, "ann")
    admission.mark_proven(1, "ben")
    assert admission.members == 1


def test_whoever_is_overdue_goes_and_members_never_are() -> None:
    admission = AdmissionControl(SMALL)
    for number, until in ((1, 5.0), (2, 20.0), (3, 5.0)):
        admission.add_connection(number, stranger(until=until))
    admission.mark_proven(3, "ann")
    assert admission.overdue(5.0) == [1]
    assert admission.overdue(5.0) == []


def test_what_was_closed_leaves_nothing_behind() -> None:
    admission = filled(1, 2, peer="192.0.2.1")
    admission.mark_proven(1, "ann")
    admission.add_connection(3, stranger())
    admission.mark_guest(3)
    for number in (1, 2, 3, 3, 77):
        admission.remove_connection(number)
    assert (admission.strangers, admission.guests, admission.members) == ({}, {}, 0)
    assert admission.mark_proven(1, "ann") == []
    assert admission.mark_guest(1) == []


@pytest.mark.parametrize("descriptors", [0, 64, 256, 512, 1024, 4096, 20000, 65536, 1 << 20])
def test_all_shares_together_leave_descriptors_for_files(descriptors: int) -> None:
    bounds = ConnectionLimits.of(descriptors)
    assert bounds.at_once <= max(1, bounds.strangers / 16)
    assert min(bounds.strangers, bounds.guests, bounds.members) >= 8
    assert bounds.members >= bounds.strangers and bounds.members >= 2 * bounds.guests
    if descriptors >= 256:
        assert bounds.strangers + 2 * bounds.guests + bounds.members + RESERVED_DESCRIPTORS <= descriptors


@pytest.mark.parametrize(
    ("address", "peer"),
    [
        (("127.0.0.1", 1), ""),
        (("127.9.9.9", 1), ""),
        (("::1", 1, 0, 0), ""),
        (("::ffff:127.0.0.1", 1, 0, 0), ""),
        ("", ""),
        (None, ""),
        (("192.0.2.7", 1), "192.0.2.7"),
        (("::ffff:192.0.2.7", 1, 0, 0), "192.0.2.7"),
        (("2001:db8:1:2:3:4:5:6", 1, 0, 0), "2001:db8:1:2::"),
        (("2001:db8:1:2:ffff::", 1, 0, 0), "2001:db8:1:2::"),
        (("fe80::1%eth0", 1, 0, 2), "fe80::"),
    ],
)
def test_who_counts_as_one_peer(address: object, peer: str) -> None:
    assert peer_of(address) == peer
