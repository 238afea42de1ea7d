"""`groupchat share-link`: what stands behind the # of the address that it prints."""

from __future__ import annotations

from pathlib import Path

from controller.cli.web.share_link import link_text
from gateway.protocol.results import LinkMade
from tests.support.commands import Groupchat


def test_a_link_names_its_thread_because_the_page_may_ask_for_nothing_else() -> None:
    whole = LinkMade("5f0f61f93a48ccfe", "kNABizyzDp8", "lab", "2026-11-21T13:24:23.093Z")
    thread = LinkMade("5f0f61f93a48ccfe", "kNABizyzDp8", "lab", "2026-11-21T13:24:23.093Z", 812)
    assert link_text(whole) == "5f0f61f93a48ccfe.kNABizyzDp8"
    assert link_text(thread) == "5f0f61f93a48ccfe.kNABizyzDp8.812"


def test_a_room_that_a_shell_takes_for_a_comment_shares_no_other_room(tmp_path: Path) -> None:
    """`groupchat share-link #lab` reaches the command without a room."""
    done = Groupchat(tmp_path / "state", quick=True)("share-link")
    assert done.code == 2
    assert "ROOM" in done.err
