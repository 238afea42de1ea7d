"""What the binding of the emulator reads is short, and says of what we use the same as the whole description."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from cffi import FFI

from sidecar.screen.emulator_library import USED, declarations_of, shortened

WHOLE = """
typedef enum {
    GHOSTTY_A = 0, GHOSTTY_B = 1,
} GhosttyKind;

typedef struct GhosttyThingImpl* GhosttyThing;

typedef struct {
    size_t size;
    union { GhosttyKind kind; struct { int x; } point; } value;
} GhosttyOptions;

typedef void (*GhosttyCallback)(GhosttyThing thing);

int ghostty_new(GhosttyThing *thing, const GhosttyOptions *options);

void ghostty_listen(GhosttyCallback callback);
"""
KIND, OPTIONS, NEW = "} GhosttyKind;", "} GhosttyOptions;", "int ghostty_new("
THING, CALLBACK, LISTEN = "* GhosttyThing;", "(*GhosttyCallback)", "void ghostty_listen("
PARTS = (KIND, THING, OPTIONS, CALLBACK, NEW, LISTEN)


@pytest.mark.parametrize(
    ("names", "parts"),
    [
        ([], []),
        (["GhosttyKind"], [KIND]),
        (["GhosttyOptions"], [KIND, OPTIONS]),
        (["ghostty_listen"], [THING, CALLBACK, LISTEN]),
        (["ghostty_new", "GhosttyKind"], [KIND, THING, OPTIONS, NEW]),
    ],
)
def test_a_declaration_comes_with_all_that_it_names(names: list[str], parts: list[str]) -> None:
    found = declarations_of(WHOLE, names)
    assert [one for one in PARTS if one in found] == parts
    FFI().cdef(found)


def test_an_unknown_name_is_an_error() -> None:
    with pytest.raises(KeyError):
        declarations_of(WHOLE, ["ghostty_old"])


@pytest.mark.parametrize("text", [None, "", "CDEF = 'typedef int GhosttyResult;'"])
def test_another_description_is_left_to_the_binding(text: str | None, tmp_path: Path) -> None:
    file = tmp_path / "_cdef.py"
    if text is not None:
        file.write_text(text)
    assert shortened(file) is None


def binding() -> Path:
    package = find_spec("pyghostty")
    assert package is not None and package.origin is not None
    return Path(package.origin).parent


def described(text: str) -> FFI:
    found = FFI()
    found.cdef(text)
    return found


def layout(ffi: FFI, name: str) -> Any:
    kind = ffi.typeof(name)
    if kind.kind == "enum":
        return kind.elements
    if kind.kind not in ("struct", "union"):
        return kind.cname
    return ffi.sizeof(kind), [(field, one.offset, one.type.cname) for field, one in kind.fields or ()]


def test_what_we_use_is_described_as_in_the_whole() -> None:
    whole: dict[str, Any] = {}
    exec((binding() / "_cdef.py").read_text(), whole)
    short = shortened(binding() / "_cdef.py")
    assert short is not None and len(short.CDEF) < len(whole["CDEF"]) / 4
    ours, theirs = described(short.CDEF), described(whole["CDEF"])
    types = ours.list_types()[0]
    opaque = {name for name in types if ours.typeof(name).kind == "pointer"}
    assert {name: layout(ours, name) for name in types} == {name: layout(theirs, name) for name in types}
    assert {"GhosttyTerminal", "GhosttyCell"} - opaque == {"GhosttyCell"}
    (file,) = (binding() / "_lib").glob("libghostty-vt.*")
    our_calls, their_calls = ours.dlopen(str(file)), theirs.dlopen(str(file))
    for name in USED:
        if name.startswith("ghostty_"):
            found = ours.typeof(getattr(our_calls, name))
            assert str(found) == str(theirs.typeof(getattr(their_calls, name)))


ALL_CALLS = r"""
from sidecar.screen.emulator import Screen
from sidecar.screen.emulator_library import IS_SHORT
assert IS_SHORT
answers = []
screen = Screen(20, 4, answers.append, marks=">")
screen.feed(b"\x1b[2J\x1b[48;5;4m\x1b[2K\r\n\x1b[48;2;1;2;3m\x1b[2K\x1b[0m\r\n> \x1b[2mdim\x1b[0m\x1b[6n")
screen.warm_up()
screen.resize(30, 5)
print(answers, screen.styled().rows[:2], screen.picture().dim, screen.at_ground)
screen.close()
"""


def test_a_screen_needs_nothing_else() -> None:
    done = subprocess.run([sys.executable, "-P", "-c", ALL_CALLS], capture_output=True, text=True, check=False)
    assert (done.stderr, done.returncode) == ("", 0)
    assert "[b'\\x1b[3;6R']" in done.stdout and "48;5;4m" in done.stdout and "48;2;1;2;3m" in done.stdout
    assert done.stdout.endswith("frozenset({2}) True\n")
