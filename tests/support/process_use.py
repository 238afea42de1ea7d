"""Finds the tests that start a process, from the names that a test and its fixtures refer to.

Only code of `tests` is followed. A test that starts a process through the product has `@pytest.mark.processes`;
`process_guard` fails tests without it.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Hashable, Iterable, Iterator
from functools import cache
from types import CodeType, FunctionType, ModuleType
from typing import Any

import pytest

from tests.support.tables import rows_in

STARTING_MODULES = frozenset({"subprocess", "pexpect", "ptyprocess", "libtmux"})
# `openpty` and `sys.executable` do not start a process by themselves.
STARTING_NAMES = frozenset(
    {"create_subprocess_exec", "create_subprocess_shell", "fork", "forkpty", "posix_spawn", "openpty", "executable"}
)
OURS = "tests"


def starts_processes(item: pytest.Item) -> bool:
    if item.get_closest_marker("processes") is not None:
        return True
    return _one_starts(_code_of(item)) or any(
        _one_starts((one,)) for one in _parameters_of(item) if callable(one) and isinstance(one, Hashable)
    )


def _code_of(item: pytest.Item) -> tuple[object, ...]:
    """A test and its fixtures: the same for each row of its table."""
    fixtures = getattr(getattr(item, "_fixtureinfo", None), "name2fixturedefs", {}).values()
    return getattr(item, "obj", None), *(one[-1].func for one in fixtures)


def _parameters_of(item: pytest.Item) -> Iterable[object]:
    callspec = getattr(item, "callspec", None)
    if callspec is not None:
        return tuple(callspec.params.values())
    return (value for row in rows_in(item) for value in row.values.values())


@cache
def _one_starts(code: tuple[object, ...]) -> bool:
    return any(_reaches_a_start(function) for one in code for function in _functions_of(one))


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
        starts, calls = _look_at(waiting.pop())
        if starts:
            return True
        waiting.extend(calls - seen)
        seen |= calls
    return False


@cache
def _look_at(function: FunctionType) -> tuple[bool, frozenset[FunctionType]]:
    """Whether its own code names a start, and the functions of the tests that it refers to."""
    references = list(_references(function))
    functions = (one for _, value in references for one in _functions_of(value) if _package_of(one) == OURS)
    return any(_is_a_start(name, value) for name, value in references), frozenset(functions)


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
