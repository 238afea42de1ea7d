"""The measured table of invisible characters: the page shows it, and our cleaning agrees with the CLIs."""

import pytest

from gateway.protocol.text.invisible_characters import is_unseen
from sidecar.messages.envelope import clean_text
from tests.gateway.protocol.text.test_invisible_characters import WRITTEN
from tests.real_clis.homes import CLIS
from tests.real_clis.invisible import SINGLE
from tests.real_clis.invisible_page import CLASSES, NAMES, PAGE, codes_of, data, ours, page


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
    assert found["version"] == CLIS[name].version
    dropped = {code for code, trial in found["alone"].items() if trial["model"] != "kept"}
    for kind, spans in found["in a long paste"]["changed"].items():
        assert kind in ("dropped", "nothing arrived") or kind.startswith("\\u"), kind
        dropped |= set(codes_of(spans))
    assert [code for code in dropped if not is_unseen(chr(int(code, 16)))] == []


@pytest.mark.parametrize("name", NAMES)
def test_typed_text_is_verified_and_submitted_by_one_enter(name: str) -> None:
    found = data()[name]
    kept = [trial for code, trial in found["alone"].items() if ours(code) == "kept"]
    assert [
        trial for trial in (*kept, *found["in use"].values()) if not trial["verified"] or trial["enters"] != 1
    ] == []


def test_what_was_tried_in_use_is_what_we_type() -> None:
    assert all(set(data()[name]["in use"]) == set(WRITTEN) for name in NAMES)
    assert {text: clean_text(text) for text in WRITTEN.values()} == {text: text for text in WRITTEN.values()}
