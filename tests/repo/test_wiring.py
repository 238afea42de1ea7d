"""What an object works with is given to it when it is made: no function is hung on another object afterwards, where
neither a reader nor a tool could follow a value through it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("gateway", "sidecar", "controller")
# file, what is set, and why it may be
EXCEPTIONS = {
    ("gateway/client/process/acceptor.py", "sock.left"): "a socket of ours that tells of its end",
    ("controller/chat/screen.py", "chat.changed"): "the screen shows a chat that was there before it",
    ("controller/chat/screen.py", "chat.jumped"): "the same",
    ("controller/chat/screen.py", "chat.left"): "the same",
    ("controller/chat/screen.py", "chat.ring"): "the same",
}
Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Names:
    """What a name may mean, as far as the code of these files tells."""

    methods: frozenset[str]
    data: frozenset[str]
    callbacks: frozenset[str]

    @classmethod
    def of(cls, *trees: ast.Module) -> Names:
        methods, data, callbacks = set[str](), set[str](), set[str]()
        for node in (one for tree in trees for one in ast.walk(tree)):
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


def set_from_outside(tree: ast.Module) -> Iterator[tuple[ast.Attribute, ast.expr]]:
    """Attributes of others, and what they are set to."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                several = isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple)
                pairs = zip(target.elts, node.value.elts, strict=False) if several else [(target, node.value)]  # type: ignore[attr-defined]
                for one, value in pairs:
                    if isinstance(one, ast.Attribute) and ast.unparse(one.value) not in ("self", "cls"):
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


def hung_on(code: str, anywhere: Names | None = None) -> list[str]:
    """The attributes of other objects on which a function is hung."""
    tree = ast.parse(code)
    here = Names.of(tree)
    anywhere = anywhere or here
    return [
        ast.unparse(target)
        for target, value in set_from_outside(tree)
        if target.attr in anywhere.callbacks or is_function(value, here, anywhere)
    ]


def test_no_function_is_hung_on_another_object() -> None:
    texts = {path: path.read_text() for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))}
    anywhere = Names.of(*map(ast.parse, texts.values()))
    found = {(str(path.relative_to(ROOT)), one) for path, text in texts.items() for one in hung_on(text, anywhere)}
    assert found == set(EXCEPTIONS)


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
    assert len(hung_on(f"{EYES}        {line}\n")) == number
