"""Checks the texts of a request: each must be one line, unless its field is declared as `Prose`.

This makes new fields safe by default: a text with a line end could pass for a separate line wherever it is shown.
`gateway/operations/dispatch.py` checks each request so, whichever interface it came by.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import cache
from operator import attrgetter
from typing import Any, NamedTuple

import msgspec
from msgspec import inspect

from gateway.protocol.errors import InvalidText
from gateway.protocol.types.core_types import SEVERAL_LINES_FLAG, check_message_text

_NOT_IN_A_LINE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
UNLIMITED_CHARS = 1 << 40  # the limit of a text is declared where it is used


def check_request(request: msgspec.Struct) -> None:
    """Refuse a request with a text that cannot be stored, or with line ends in a one-line field."""
    _check_struct(request, "")


def check_one_line(text: str, what: str) -> str:
    """Return the text if it is one line wherever it is shown; else raise an error that names the position."""
    if not text.isprintable():
        check_message_text(text, UNLIMITED_CHARS, what)
        if found := _NOT_IN_A_LINE.search(text):
            raise InvalidText(
                f"The {what} must be one line without control characters, but contains U+{ord(found[0]):04X} "
                f"(character {found.start() + 1})."
            )
    return text


def flatten_lines(text: str) -> str:
    """The text of another system as one line, for a one-line field."""
    return _NOT_IN_A_LINE.sub(" ", text) if _NOT_IN_A_LINE.search(text) else text


def _check_struct(value: msgspec.Struct, where: str) -> None:
    texts = _text_fields_of(type(value))
    for field, inner in zip(texts.fields, texts.values(value), strict=True):
        if inner and not (isinstance(inner, str) and inner.isprintable()):  # nearly every text is
            _check_value(inner, f"{where}{field.encoded}", field.prose)


def _check_value(value: Any, what: str, prose: bool) -> None:
    if isinstance(value, str):
        check_message_text(value, UNLIMITED_CHARS, what) if prose else check_one_line(value, what)
    elif isinstance(value, msgspec.Struct):
        _check_struct(value, f"{what}.")
    elif isinstance(value, dict):
        for key, one in value.items():
            _check_value(key, f"name in {what}", prose=False)
            _check_value(one, what, prose=False)
    elif isinstance(value, tuple | list):
        for one in value:
            if not (isinstance(one, str) and one.isprintable()):
                _check_value(one, what, prose=False)


class _TextField(NamedTuple):
    """A field that holds text: its name on the wire, and whether there may be several lines."""

    encoded: str
    prose: bool


class _TextFields(NamedTuple):
    """The text fields of a struct, and a function that reads them all."""

    fields: tuple[_TextField, ...]
    values: Callable[[msgspec.Struct], tuple[Any, ...]]


@cache
def _text_fields_of(kind: type[msgspec.Struct]) -> _TextFields:
    info = inspect.type_info(kind)
    assert isinstance(info, inspect.StructType)
    found = [one for one in info.fields if _holds_text(one.type)]
    return _TextFields(tuple(_TextField(one.encode_name, _is_prose(one.type)) for one in found), _make_reader(found))


def _make_reader(fields: Sequence[inspect.Field]) -> Callable[[msgspec.Struct], tuple[Any, ...]]:
    """All values with one call: this is done for every request. `attrgetter` gives a lone value bare."""
    names = [one.name for one in fields]
    if len(names) > 1:
        return attrgetter(*names)
    return lambda value: tuple(getattr(value, name) for name in names)


def _is_prose(type_: inspect.Type) -> bool:
    """Whether a text that is all of the field may have several lines. A text inside a list or a dict never may."""
    if isinstance(type_, inspect.Metadata):
        return bool((type_.extra or {}).get(SEVERAL_LINES_FLAG)) or _is_prose(type_.type)
    return isinstance(type_, inspect.UnionType) and any(_is_prose(one) for one in type_.types)


def _holds_text(type_: inspect.Type) -> bool:
    """Whether a type contains text. Free JSON (`dict[str, Any]`) is not checked, because it is always shown as JSON."""
    if isinstance(type_, inspect.StructType):
        return bool(_text_fields_of(type_.cls).fields)
    return isinstance(type_, inspect.StrType) or any(_holds_text(one) for one in _inner_types(type_))


def _inner_types(type_: inspect.Type) -> Sequence[inspect.Type]:
    match type_:
        case inspect.Metadata(type=inner):
            return (inner,)
        case inspect.UnionType(types=types):
            return types
        case inspect.VarTupleType(item_type=item) | inspect.ListType(item_type=item):
            return (item,)
        case inspect.DictType(key_type=key, value_type=value) if not isinstance(value, inspect.AnyType):
            return (key, value)
    return ()
