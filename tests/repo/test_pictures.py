"""Pictures are drawn from screens as they were, move by themselves, and need nothing from elsewhere."""

from __future__ import annotations

import re
from itertools import product
from pathlib import Path
from xml.etree import ElementTree

import pytest
from rich.cells import cell_len

from tests.support.draw import without_paths
from tests.support.draw_day import DAY, SIZES, SMALL, page
from tests.support.draw_web import SCENES, SCHEMES, WEB_SIZES
from tests.support.film import Frame, film_svg
from tests.support.pictures import svg

PICTURES = Path(__file__).parents[2] / "docs" / "pictures"
SVG = "{http://www.w3.org/2000/svg}"
MOVING = sorted(PICTURES.rglob("*.svg"))
SCREENS = sorted(PICTURES.rglob("*.txt"))

FRAMES = [
    Frame(("\x1b[32mada\x1b[39m >", ""), 1.0, "ada waits"),
    Frame(("\x1b[32mada\x1b[39m > h", ""), 0.5, "alice types"),
    Frame(("\x1b[32mada\x1b[39m > h", "● hello <b>"), 2.5, "ada answers", still=True),
]


def shown_at(markup: str, seconds: float) -> list[str]:
    """The frames that a reader sees at that time."""
    seen = []
    for name, steps in re.findall(r"@keyframes (f\d+)\{((?:[\d.]+%\{visibility:\w+\})+)\}", markup):
        whole = float(re.search(rf"animation:{name} ([\d.]+)s step-end", markup)[1])  # type: ignore[index]
        marks = [(float(at), what) for at, what in re.findall(r"([\d.]+)%\{visibility:(\w+)\}", steps)]
        if [what for at, what in marks if at <= 100 * seconds / whole][-1] == "visible":
            seen.append(name)
    return seen


@pytest.mark.parametrize(
    ("seconds", "frame"), [(0.0, "f0"), (0.9, "f0"), (1.1, "f1"), (1.4, "f1"), (1.6, "f2"), (3.9, "f2")]
)
def test_one_frame_is_seen_at_each_time(seconds: float, frame: str) -> None:
    assert shown_at(film_svg(FRAMES, 20, "A film"), seconds) == [frame]


def test_where_nothing_moves_the_still_frame_is_seen() -> None:
    markup = film_svg(FRAMES, 20, "A film")
    assert re.findall(r"#(f\d)\{visibility:visible", markup) == ["f2"]
    assert "@media (prefers-reduced-motion:reduce){g,#bar{animation:none!important}}" in markup


def test_what_stays_is_drawn_once() -> None:
    tree = ElementTree.fromstring(film_svg(FRAMES, 20, "A film"))
    drawn = ["".join(one.itertext()) for one in tree.iter(f"{SVG}defs") for one in one]
    assert drawn == ["ada >", "ada waits", "ada > h", "alice types", "● hello <b>", "ada answers"]
    frames = [one for one in tree if one.get("id", "").startswith("f")]
    assert [len(one) for one in frames] == [2, 2, 3], "the rows that are not empty, and the caption"


@pytest.mark.parametrize(
    ("row", "places"),
    [
        ("plain text", [("plain text", "12.0")]),
        ("● idle", [("●", "12.0"), (" idle", "20.4")]),
        ("日本 x", [("日", "12.0"), ("本", "28.8"), (" x", "45.6")]),
        ("│ ⠋ Working", [("│ ", "12.0"), ("⠋", "28.8"), (" Working", "37.2")]),
    ],
)
def test_a_sign_from_another_font_moves_nothing_beside_it(row: str, places: list[tuple[str, str]]) -> None:
    tree = ElementTree.fromstring(svg([row], 20, "A row"))
    assert [(one.text, one.get("x")) for one in tree.iter(f"{SVG}text")] == places


@pytest.mark.parametrize(
    ("row", "clean"),
    [
        ("in /tmp/gc-x1/work │", "in ~/work          │"),
        ("in /tmp/gc-x1/claude-home/.cfg │", "in ~/work                      │"),
        ("`/tmp/gc-x1/work/notes.md (+1 -0)` – yes  │", "`~/work/notes.md (+1 -0)` – yes           │"),
        ("/tmp/gc-x1/work   main  \x1b[1m│\x1b[0m /tmp/gc-x1 ", "~/work            main  \x1b[1m│\x1b[0m ~/work     "),
        ("a \x1b[2m/tmp/gc-x1/work/a.py\x1b[0m b\x1b[1m │", "a \x1b[2m~/work/a.py\x1b[0m b         \x1b[1m │"),
    ],
)
def test_the_paths_of_a_machine_are_nobodys(row: str, clean: str) -> None:
    """A sentence closes up, and the next column stays where it is."""
    assert without_paths(f"{row}\n{row}") == f"{clean}\n{clean}"
    assert len(clean) == len(row)


@pytest.mark.parametrize("picture", MOVING, ids=lambda one: str(one.relative_to(PICTURES)))
def test_a_picture_is_small_and_needs_nothing_else(picture: Path) -> None:
    markup = picture.read_text(encoding="utf-8")
    assert len(markup.encode()) < 1_000_000
    tree = ElementTree.fromstring(markup)
    assert {one.tag.removeprefix(SVG) for one in tree.iter()} <= {
        "svg",
        "title",
        "style",
        "defs",
        "g",
        "rect",
        "text",
        "use",
    }
    links = [value for one in tree.iter() for name, value in one.items() if name.endswith(("href", "src"))]
    assert [one for one in links if not one.startswith("#")] == []
    assert not re.search(r"@import|url\(|\bon\w+=", markup)


@pytest.mark.parametrize("file", [*MOVING, *SCREENS], ids=lambda one: str(one.relative_to(PICTURES)))
def test_a_picture_names_no_place_of_this_machine(file: Path) -> None:
    found = re.findall(r"/tmp/\S*|/root\b\S*|/home/\w+|/work/\w+/\S*", file.read_text(encoding="utf-8"))
    assert found == []


@pytest.mark.parametrize(("name", "size", "scheme"), [*product(SCENES, WEB_SIZES, SCHEMES)])
def test_each_picture_of_the_page_is_there_and_small(name: str, size: str, scheme: str) -> None:
    picture = (PICTURES / f"web-{name}-{size}-{scheme}.png").read_bytes()
    assert picture.startswith(b"\x89PNG") and 5_000 < len(picture) < 150_000


@pytest.mark.parametrize("name", ["question", "words", "codex", "terminal", "modes", "debate"])
def test_each_scene_on_the_phone_is_there_and_small(name: str) -> None:
    for scheme in SCHEMES:
        picture = (PICTURES / f"phone-{name}-{scheme}.png").read_bytes()
        assert picture.startswith(b"\x89PNG") and 5_000 < len(picture) < 150_000


def test_the_film_moves_and_ends() -> None:
    markup = (PICTURES / "film.svg").read_text(encoding="utf-8")
    whole = float(re.search(r"animation:f0 ([\d.]+)s", markup)[1])  # type: ignore[index]
    assert 15 < whole < 60
    assert [len(shown_at(markup, whole * part / 20)) for part in range(20)] == [1] * 20
    words = "".join(ElementTree.fromstring(markup).itertext())
    for needed in ("✓ ada answered", "ben asks", "✓ cleo answered", "kill -9"):
        assert needed.replace(" ", "") in words.replace(" ", ""), needed


def test_the_day_is_kept_whole_at_each_size() -> None:
    folder = PICTURES / "day"
    assert (folder / "README.md").read_text(encoding="utf-8") == page(DAY)
    for scene, size in product(DAY, (*SMALL, *SIZES)):
        columns, lines = map(int, size.split("x"))
        rows = (folder / f"{scene.name}-{size}.txt").read_text(encoding="utf-8").splitlines()
        assert 0 < len(rows) <= lines and max(map(cell_len, rows)) <= columns, (scene.name, size)
        assert "".join(rows).strip()
