"""What an object works with is given to it when it is made: no function is hung on another object afterwards, where
neither a reader nor a tool could follow a value through it."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("gateway", "sidecar", "controller")
Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Names:
    """What a name may mean, as far as the code of these files tells."""

    methods: frozenset[str]
    data: frozenset[str]
    callbacks: frozenset[str]

    @classmethod
    def of(cls, tree: ast.Module) -> Names:
        methods, data, callbacks = set[str](), set[str](), set[str]()
        for node in ast.walk(tree):
            match node:
                case ast.ClassDef(body=body):
                    methods |= {one.name for one in body if isinstance(one, Function) and not one.decorator_list}
                    data |= {one.name for one in body if isinstance(one, Function) and one.decorator_list}
                case ast.AnnAssign(target=ast.Attribute(attr=name) | ast.Name(id=name), annotation=annotation):
                    data.add(name)
                    if ast.unparse(annotation).startswith("Callable"):
                        callbacks.add(name)
                case ast.Attribute(attr=name, ctx=ast.Store()):
                    data.add(name)
        return cls(frozenset(methods), frozenset(data), frozenset(callbacks))

    @classmethod
    def together(cls, names: Sequence[Names]) -> Names:
        return cls(
            frozenset[str]().union(*(one.methods for one in names)),
            frozenset[str]().union(*(one.data for one in names)),
            frozenset[str]().union(*(one.callbacks for one in names)),
        )


def is_own(value: ast.expr) -> bool:
    return isinstance(value, ast.Name) and value.id in ("self", "cls")


def set_from_outside(tree: ast.Module) -> Iterator[tuple[ast.Attribute, ast.expr]]:
    """Attributes of others, and what they are set to."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                several = isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple)
                pairs = zip(target.elts, node.value.elts, strict=False) if several else [(target, node.value)]  # type: ignore[attr-defined]
                for one, value in pairs:
                    if isinstance(one, ast.Attribute) and not is_own(one.value):
                        yield one, value


def is_function(value: ast.expr, here: Names, anywhere: Names) -> bool:
    """A method of one's own file, or a name that is a method wherever it stands."""
    match value:
        case ast.Lambda() | ast.Name(id="self") | ast.Call(func=ast.Name(id="partial")):
            return True
        case ast.Attribute(value=ast.Name(id="self"), attr=name):
            return name in here.methods
        case ast.Attribute(attr=name):
            return name in anywhere.methods - anywhere.data
    return False


@dataclass(frozen=True)
class File:
    """What is kept of a file: its tree is a hundred times as large."""

    names: Names
    settings: list[tuple[ast.Attribute, ast.expr]]

    @classmethod
    def of(cls, code: str) -> File:
        tree = ast.parse(code)
        return cls(Names.of(tree), list(set_from_outside(tree)))

    def hung_on(self, anywhere: Names) -> list[str]:
        """The attributes of other objects on which a function is hung."""
        return [
            ast.unparse(target)
            for target, value in self.settings
            if target.attr in anywhere.callbacks or is_function(value, self.names, anywhere)
        ]


def test_no_function_is_hung_on_another_object() -> None:
    paths = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]
    files = {str(path.relative_to(ROOT)): File.of(path.read_text()) for path in paths}
    anywhere = Names.together([one.names for one in files.values()])
    found = {(name, one) for name, file in files.items() for one in file.hung_on(anywhere)}
    assert found == set()


EYES = """
class Eyes:
    def __init__(self):
        self.unread: Callable[[], int] = lambda: 0
        self.size = 0

    def look(self): ...

class Other:
    def f(self, eyes, terminal):
"""


@pytest.mark.parametrize(
    ("line", "number"),
    [
        ("eyes.watching = lambda moment: None", 1),
        ("eyes.owner = self", 1),
        ("eyes.unread = terminal.unread", 1),
        ("self._eyes.watching, eyes.size = self.f, 3", 1),
        ("self._eyes.watching = eyes.look", 1),
        ("eyes.watching = partial(print, 1)", 1),
        ("eyes.size = terminal.size", 0),
        ("self.watching = self.f", 0),
    ],
)
def test_it_is_found_however_it_is_hung(line: str, number: int) -> None:
    file = File.of(f"{EYES}        {line}\n")
    assert len(file.hung_on(file.names)) == number


def test_a_wait_with_a_limit_never_loses_a_cancellation() -> None:
    """As `asyncio.wait_for` does before Python 3.12, if what it waits for ends at that moment."""
    files = [file for package in PACKAGES for file in (ROOT / package).rglob("*.py")]
    assert len(files) > 500
    assert [str(file) for file in files if "asyncio.wait_for(" in file.read_text()] == [], "use asyncio.timeout"
