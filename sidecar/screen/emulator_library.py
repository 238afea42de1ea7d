"""Imports the emulator library, with a short description of its types.

Its binding describes the whole library in 3 500 lines of C and parses them at each import, nearly a third of
the work of a start. So it gets only the declarations that we use, and those that they refer to.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import find_spec, module_from_spec
from pathlib import Path
from types import ModuleType

DESCRIPTION = "pyghostty._cdef"
USED = (
    *("GhosttyColorRgb", "GhosttyPoint", "GhosttyPointTag", "GhosttyTerminalModeConfig", "GhosttyTerminalOption"),
    *("GhosttyCellContentTag", "GhosttyCellData", "GhosttyTerminalData", "GhosttyTerminalWritePtyFn"),
    *("ghostty_cell_get", "ghostty_grid_ref_cell", "ghostty_grid_ref_style"),
    *("ghostty_formatter_format_buf", "ghostty_formatter_free", "ghostty_formatter_terminal_new"),
    *("ghostty_terminal_free", "ghostty_terminal_get", "ghostty_terminal_grid_ref", "ghostty_terminal_new"),
    *("ghostty_terminal_resize", "ghostty_terminal_selection_format_buf", "ghostty_terminal_set"),
    "ghostty_terminal_vt_write",
)
_DEPTH_OR_END = re.compile(r"[{};]")
_NAME = re.compile(r"\b[Gg]hostty\w+")


def declarations_of(description: str, names: Iterable[str]) -> str:
    """Those of these names, and of all names in them, in their order."""
    declarations = list(_split_declarations(description))
    places = {_declared_name(one): place for place, one in enumerate(declarations)}
    found: set[int] = set()
    waiting = [places[name] for name in names]
    while waiting:
        place = waiting.pop()
        if place not in found:
            found.add(place)
            waiting += [places[name] for name in _NAME.findall(declarations[place]) if name in places]
    return "".join(declarations[place] for place in sorted(found))


def _split_declarations(description: str) -> Iterator[str]:
    """Each up to the semicolon that ends it; those of a structure are between its braces."""
    begin = depth = 0
    for sign in _DEPTH_OR_END.finditer(description):
        depth += {"{": 1, "}": -1}.get(sign[0], 0)
        if sign[0] == ";" and depth == 0:
            yield description[begin : sign.end()]
            begin = sign.end()


def _declared_name(declaration: str) -> str:
    """`f` of `int f(int);`, of `typedef int (*f)(int);`, of `typedef int f[4];` and of `typedef struct {int a;} f;`."""
    before, _, rest = declaration.partition("{")
    head = before + rest.rpartition("}")[2]
    first, _, arguments = head.rstrip("; \n").partition("(")
    pointer = arguments.strip()
    named = pointer[1:].partition(")")[0] if pointer.startswith("*") else first.partition("[")[0]
    words = named.replace("*", " ").split()
    return words[-1] if words else ""


def shortened(file: Path) -> ModuleType | None:
    """The module in this file, with what we use of its description. None if it is not there or has other names, as it
    may be in a later version: the binding then reads its own."""
    loader = SourceFileLoader(DESCRIPTION, str(file))
    module = module_from_spec(ModuleSpec(DESCRIPTION, loader))
    try:
        loader.exec_module(module)
        module.CDEF = declarations_of(module.CDEF, USED)  # type: ignore[attr-defined]
    except (OSError, AttributeError, KeyError):
        return None
    return module


def _describe_what_we_use() -> bool:
    """Put the short description where the binding looks for its own. Whether that was possible."""
    package = find_spec("pyghostty")
    if package is None or package.origin is None or DESCRIPTION in sys.modules:
        return False
    module = shortened(Path(package.origin).with_name("_cdef.py"))
    if module is not None:
        sys.modules[DESCRIPTION] = module
    return module is not None


IS_SHORT = _describe_what_we_use()  # before the binding is imported, which reads it then

from pyghostty import GhosttyError, Terminal  # noqa: E402
from pyghostty._ffi import check, ffi, lib, union_fn  # noqa: E402
from pyghostty.core import init_sized, read_buf  # noqa: E402

__all__ = ["GhosttyError", "Terminal", "check", "ffi", "init_sized", "lib", "read_buf", "union_fn"]
