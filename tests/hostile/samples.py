"""A sample of every request, made from its type: so that a new operation, or a new field, is there by itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import msgspec
from msgspec import inspect

from gateway.protocol.requests.request import Request
from gateway.protocol.types.core_types import SEVERAL_LINES_FLAG

Path = tuple[str, ...]
Usual = Mapping[str, Any]


@dataclass(frozen=True)
class TextField:
    """Where a text stands in a request, and whether it may have several lines. JSON of any shape is no text."""

    op: str
    path: Path
    prose: bool
    most: int

    def __str__(self) -> str:
        return f"{self.op}:{'.'.join(self.path)}"


def text_fields(request: type[Request]) -> Iterator[TextField]:
    op = str(request.__struct_config__.tag)
    for path, prose, most in _texts(inspect.type_info(request), ()):
        yield TextField(op, path, prose, most)


def _texts(type_: inspect.Type, path: Path, prose: bool = False) -> Iterator[tuple[Path, bool, int]]:
    if isinstance(type_, inspect.Metadata):
        yield from _texts(type_.type, path, bool((type_.extra or {}).get(SEVERAL_LINES_FLAG)))
    elif isinstance(type_, inspect.StrType):
        yield path, prose, type_.max_length or 1_000_000
    else:
        for step, inner in _inner(type_):
            yield from _texts(inner, path + step, prose)


def _inner(type_: inspect.Type) -> Iterator[tuple[Path, inspect.Type]]:
    match type_:
        case inspect.UnionType(types=types):
            yield from (((), one) for one in types)
        case inspect.VarTupleType(item_type=item):
            yield ("[]",), item
        case inspect.DictType(key_type=key, value_type=value) if not isinstance(value, inspect.AnyType):
            yield from ((("{}",), key), (("{key}",), value))
        case inspect.StructType(fields=fields):
            yield from (((one.encode_name,), one.type) for one in fields)


def with_text(request: type[Request], field: TextField, text: str, usual: Usual | None = None) -> dict[str, Any]:
    """The request with the least that it needs, and this text at that place; `usual` has values for other places."""
    return {"op": field.op, **_Filling(field.op, field.path, text, usual or {}).of(_type_of(request), ())}


@cache
def _type_of(request: type[Request]) -> inspect.Type:
    """It takes longer than all the rest of a test, and is the same each time."""
    return inspect.type_info(request)


@dataclass(frozen=True)
class _Filling:
    """The least value of a type, with a text at one place of it."""

    op: str
    goal: Path
    text: str
    usual: Usual

    def of(self, type_: inspect.Type, here: Path) -> Any:
        if here == self.goal and isinstance(type_, inspect.StrType):
            return self.text
        on_the_way = self.goal[: len(here)] == here
        if not on_the_way and here[-1] in self.usual:
            return self.usual[here[-1]]
        return self._built(type_, here)

    def _built(self, type_: inspect.Type, here: Path) -> Any:
        match type_:
            case inspect.Metadata(type=inner):
                return self.of(inner, here)
            case inspect.UnionType(types=types):
                return self.of(next(one for one in types if self._leads(one, here)), here)
            case inspect.StructType(fields=fields):
                wanted = self.goal[len(here) : len(here) + 1] if self.goal[: len(here)] == here else ()
                needed = [one for one in fields if one.required or one.encode_name in (*wanted, *self.usual)]
                return {one.encode_name: self.of(one.type, (*here, one.encode_name)) for one in needed}
            case inspect.VarTupleType(item_type=item):
                more = self.usual.get(here[-1], ())
                return [self.of(item, (*here, "[]")), *(more[1:] if isinstance(more, list) else ())]
            case inspect.DictType(key_type=key, value_type=value):
                return {self.of(key, (*here, "{}")): self.of(value, (*here, "{key}"))}
        return _plain(type_)

    def _leads(self, type_: inspect.Type, here: Path) -> bool:
        """Whether the goal, where it lies below, can be reached through this of several types."""
        if self.goal[: len(here)] != here:
            return not isinstance(type_, inspect.NoneType)
        return any(here + path == self.goal for path, _, _ in _texts(type_, ()))


def _plain(type_: inspect.Type) -> Any:
    match type_:
        case inspect.StrType(min_length=least):
            return "x" * max(1, least or 0)
        case inspect.IntType(ge=least):
            return int(max(1, least or 0))
        case inspect.FloatType():
            return 1.0
        case inspect.EnumType(cls=cls):
            return next(iter(cls)).value
        case inspect.BoolType():
            return False
    return {}


def converted(request: type[Request], given: dict[str, Any]) -> Request:
    return msgspec.convert(given, request)
