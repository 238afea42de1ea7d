"""Whether a conversation has seen sealed messages outlives the sidecar."""

from __future__ import annotations

from pathlib import Path

import pytest

from sidecar.messages.sealed_turns import SealedPlace
from sidecar.run_files.sealed_turn_file import FILE, open_sealed_turn
from tests.sidecar.fake_sealing import checked, message_of


def test_it_is_kept_for_the_next_run_and_not_for_a_new_conversation(tmp_path: Path) -> None:
    open_sealed_turn(tmp_path, begins_anew=False).note_typing([checked(message_of(2))])
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600
    again = open_sealed_turn(tmp_path, begins_anew=False)
    assert (again.place, again.has_been) == (SealedPlace("lab"), True)
    anew = open_sealed_turn(tmp_path, begins_anew=True)
    assert (anew.place, anew.has_been) == (None, False)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"place": 3, "has_been": true}', '{"place": null}', "\x00"])
def test_a_damaged_file_counts_as_sealed(tmp_path: Path, text: str) -> None:
    (tmp_path / FILE).write_text(text)
    turn = open_sealed_turn(tmp_path, begins_anew=False)
    assert turn.has_been
    assert turn.place is not None
