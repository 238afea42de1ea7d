"""The measured table of invisible characters: the page shows it, and our cleaning agrees with the CLIs."""

import pytest

from gateway.protocol.text.invisible_characters import is_unseen
from sidecar.messages.envelope import clean_text
from tests.gateway.protocol.text.test_invisible_characters import WRITTEN
from tests.real_clis.invisible import SINGLE
from tests.real_clis.invisible_page import CLASSES, PAGE, codes_of, data, ours, page
from tests.real_clis.releases import PACKAGES

NAMES = sorted(data())
MARKS = {"0300", "0301", "0903", "20DD", "20E3", "3099", "1E000", "16FE4"}
# What their composers draw otherwise, so that a text with it is not seen to be typed as it was sent. The marks were
# tried where nothing stands before them in the row.
DRAWN_OTHERWISE = {
    "cline": MARKS
    | {"0600", "06DD", "070F", "08E2", "110BD", "0BBE", "302E", "1D165", "1F1E6"}
    | {"Sinhala", "Hebrew with a mark", "Arabic with a mark", "Mongolian"},
    "copilot": MARKS | {"0BBE", "302E", "1D165", "13430", "1343F", "1F1E6"},
    "opencode": MARKS | {"0BBE", "302E", "1D165", "Hindi", "Hebrew with a mark"},
    "vibe": {"070F", "08E2"},
}


def test_the_page_is_made_of_the_data() -> None:
    """`python -m tests.real_clis.invisible_page` writes it."""
    assert PAGE.read_text(encoding="utf-8") == page(data())


def test_each_character_that_was_tried_is_of_one_class() -> None:
    assert sorted(code for _, spans, _ in CLASSES for code in codes_of(spans)) == sorted(
        f"{code:04X}" for code in SINGLE
    )


@pytest.mark.parametrize("name", NAMES)
def test_no_cli_drops_visible_characters(name: str) -> None:
    """Else the backslash before a bracket would not be enough."""
    found = data()[name]
    assert found["version"] in {*PACKAGES[name].proven, PACKAGES[name].pinned}
    dropped = {code for code, trial in found["alone"].items() if trial["model"] != "kept"}
    for kind, spans in found["in a long paste"]["changed"].items():
        if codes_of(spans) == [f"{ord(kind[-1]):04X}"] and not kind[:-1].strip():
            continue  # a blank was put before it
        assert kind in ("dropped", "nothing arrived") or kind.startswith("\\u"), kind
        dropped |= set(codes_of(spans))
    assert [code for code in dropped if not is_unseen(chr(int(code, 16)))] == []


@pytest.mark.parametrize("name", NAMES)
def test_typed_text_is_verified_and_submitted_by_one_enter(name: str) -> None:
    found = data()[name]
    kept = {code: trial for code, trial in found["alone"].items() if ours(code) == "kept"} | found["in use"]
    assert [trial for trial in kept.values() if trial["enters"] != 1] == []
    assert {one for one, trial in kept.items() if not trial["verified"]} == DRAWN_OTHERWISE.get(name, set())


def test_what_was_tried_in_use_is_what_we_type() -> None:
    assert all(set(data()[name]["in use"]) == set(WRITTEN) for name in NAMES)
    assert {text: clean_text(text) for text in WRITTEN.values()} == {text: text for text in WRITTEN.values()}
