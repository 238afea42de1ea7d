"""What a follower knows of a member after the decider has told of it, whatever their clocks say."""

from __future__ import annotations

import pytest

from gateway.cluster.link_frames import Live, decode_for_follower, encode_frames
from gateway.cluster.live_members import live_facts_of, take_facts
from gateway.model.transient_member_state import LiveMember
from gateway.protocol.types.agent_work import UnseenResult, Work
from gateway.protocol.types.core_types import Activity, Composer

THERE, HERE = 1_000_000.0, 1_000_600.0  # ten minutes apart
FIELDS = ("tells_activity", "activity", "composer", "note", "folder", "condition", "work", "unseen", "conversation")


def busy_member() -> LiveMember:
    live = LiveMember(connections=1, heard=THERE - 2, lost=THERE - 50, tells_activity=True)
    live.begin_activity(Activity.BUSY, "at work", THERE - 7)
    live.activity, live.composer, live.note, live.folder = Activity.BUSY, Composer.DRAFT, "at work", "/work"
    live.work, live.unseen = Work(branch="main"), UnseenResult.TERMINAL
    return live


@pytest.mark.parametrize("live", [LiveMember(), busy_member()], ids=["nothing known", "busy"])
def test_a_follower_knows_what_the_decider_knows(live: LiveMember) -> None:
    (frame,) = decode_for_follower(encode_frames([Live({"claude": live_facts_of(live, 3, THERE)})]))
    assert isinstance(frame, Live)
    known = LiveMember()
    take_facts(known, frame.members["claude"], HERE)
    assert {name: getattr(known, name) for name in FIELDS} == {name: getattr(live, name) for name in FIELDS}
    assert (known.connections, known.elsewhere) == (0, 3)
    for name in ("heard", "lost", "expected", "since"):
        assert getattr(known, name) - HERE == pytest.approx(getattr(live, name) - THERE) or not getattr(live, name) > 0


def test_an_activity_that_goes_on_is_remembered_once() -> None:
    live, known = busy_member(), LiveMember()
    for now in (THERE, THERE + 1):
        take_facts(known, live_facts_of(live, 0, now), now)
    assert [(one.at, one.activity) for one in known.activities] == [(THERE - 7, Activity.BUSY)]


def test_a_connection_here_is_known_here_best() -> None:
    known = LiveMember(connections=1, heard=HERE)
    take_facts(known, live_facts_of(LiveMember(heard=THERE - 100), 0, THERE), HERE)
    assert known.heard == HERE
