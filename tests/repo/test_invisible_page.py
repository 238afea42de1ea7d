"""The page about invisible characters says what was measured."""

from tests.real_clis.invisible_page import CLASSES, PAGE, codes_of, data, page


def test_the_page_is_made_from_the_data() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(data()), "run: python -m tests.real_clis.invisible_page"


def test_each_cli_was_measured_with_each_character() -> None:
    tried = [code for _, spans, _ in CLASSES for code in codes_of(spans)]
    missing = {name: [code for code in tried if code not in one["alone"]] for name, one in data().items()}
    assert not any(missing.values()), missing
