"""Imports the emulator library, with a short description of its types.

Its binding describes the whole library in 3 500 lines of C and parses them at each import, nearly a third of
the work of a start. So it gets only the declarations that we use, and those that they refer to.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
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
_BRACES = r"\{[^{}]*(?:\{[^{}]*(?:\{[^{}]*\}[^{}]*)*\}[^{}]*)*\}"  # up to three, one in the other
_DECLARATION = re.compile(rf"(?:[^{{}};]|{_BRACES})+;")
_BODY = re.compile(_BRACES)
_OWN_NAME = re.compile(r"\b(ghostty_\w+)\s*\(|\(\*\s*(\w+)\)|(\w+)\s*(?:\[\w*\])?;$")
_NAME = re.compile(r"\b[Gg]hostty\w+")


def declarations_of(description: str, names: Iterable[str]) -> str:
    """Those of these names, and of all names in them, in their order."""
    declarations = _DECLARATION.findall(description)
    places = {name: place for place, one in enumerate(declarations) for name in _own_names(one)}
    found: set[int] = set()
    waiting = [places[name] for name in names]
    while waiting:
        place = waiting.pop()
        if place not in found:
            found.add(place)
            waiting += [places[name] for name in _NAME.findall(declarations[place]) if name in places]
    return "".join(declarations[place] for place in sorted(found))


def _own_names(declaration: str) -> list[str]:
    return [name for found in _OWN_NAME.findall(_BODY.sub("", declaration)) for name in found if name]


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
