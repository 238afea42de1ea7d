"""Which tests start a process: read from what the code of a test and of its fixtures refers to.

Only code of `tests` is followed. A test that starts a process through the product says so itself, with
`@pytest.mark.processes`; `process_guard` fails each test that has forgotten to.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator
from functools import cache
from types import CodeType, FunctionType, ModuleType
from typing import Any

import pytest

STARTING_MODULES = frozenset({"subprocess", "pexpect", "ptyprocess", "libtmux"})
# `openpty` and `sys.executable` start nothing yet: what is made of them does.
STARTING_NAMES = frozenset(
    {"create_subprocess_exec", "create_subprocess_shell", "fork", "forkpty", "posix_spawn", "openpty", "executable"}
)
OURS = "tests"


def starts_processes(item: pytest.Item) -> bool:
    if item.get_closest_marker("processes") is not None:
        return True
    return any(_reaches_a_start(one) for one in _code_of(item))


def _code_of(item: pytest.Item) -> Iterator[FunctionType]:
    """The functions of a test: itself, its fixtures, and the functions and classes among its parameters."""
    yield from _functions_of(getattr(item, "obj", None))
    for fixtures in getattr(getattr(item, "_fixtureinfo", None), "name2fixturedefs", {}).values():
        yield from _functions_of(fixtures[-1].func)
    callspec = getattr(item, "callspec", None)
    for value in callspec.params.values() if callspec is not None else ():
        yield from _functions_of(value)


def _functions_of(value: object) -> Iterator[FunctionType]:
    if isinstance(value, Callable):  # type: ignore[arg-type]
        value = inspect.unwrap(value)  # type: ignore[arg-type]
    value = getattr(value, "__func__", value)
    if isinstance(value, FunctionType):
        yield value
    elif isinstance(value, type):
        for one in vars(value).values():
            inner = one.fget if isinstance(one, property) else getattr(one, "__func__", one)
            if isinstance(inner, FunctionType):
                yield inspect.unwrap(inner)


@cache
def _reaches_a_start(function: FunctionType) -> bool:
    """Whether it, or code of the tests that it refers to, starts a process."""
    seen, waiting = {function}, [function]
    while waiting:
        one = waiting.pop()
        for name, value in _references(one):
            if _is_a_start(name, value):
                return True
            found = [it for it in _functions_of(value) if it not in seen and _package_of(it) == OURS]
            seen.update(found)
            waiting.extend(found)
    return False


def _is_a_start(name: str, value: object) -> bool:
    return name in STARTING_NAMES or _package_of(value) in STARTING_MODULES


def _package_of(value: object) -> str:
    """Of a module, or of a class or function of one."""
    name = value.__name__ if isinstance(value, ModuleType) else getattr(value, "__module__", None)
    return str(name).partition(".")[0]


def _references(function: FunctionType) -> Iterator[tuple[str, Any]]:
    """The names in the code with what they stand for: in its module, its closure, or a module of ours that it names."""
    names = dict.fromkeys(_names_of(function.__code__))
    namespaces = [function.__globals__, _closure_of(function)]
    for name in names:
        module = sys.modules.get(name, function.__globals__.get(name))
        if isinstance(module, ModuleType) and _package_of(module) == OURS:
            namespaces.append(vars(module))
    for name in names:
        yield name, sys.modules.get(name) if name in STARTING_MODULES else None
        for namespace in namespaces:
            if name in namespace:
                yield name, namespace[name]


def _closure_of(function: FunctionType) -> dict[str, Any]:
    return dict(inspect.getclosurevars(function).nonlocals) if function.__closure__ else {}


def _names_of(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    yield from code.co_freevars
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names_of(constant)
