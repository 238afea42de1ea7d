"""Builds hostile requests: every field of a request, at any depth, with every invalid value.

The values are raw JSON text, because an encoder would not write some of them (NaN, endless numbers, half characters,
duplicate keys).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import inspect

from gateway.operations.operation_table import OPERATIONS
from gateway.protocol.requests.request import Request

HOLE = '"@@here@@"'
DEEP = 3000

VALUES: dict[str, str] = {
    "null": "null",
    "true": "true",
    "false": "false",
    "zero": "0",
    "minus zero": "-0",
    "minus one": "-1",
    "one and a half": "1.5",
    "largest of 63 bits": str(2**63 - 1),
    "beyond 63 bits": str(2**63),
    "beyond 64 bits": str(2**64),
    "least of 63 bits": str(-(2**63)),
    "below 63 bits": str(-(2**63) - 1),
    "four hundred digits": "9" * 400,
    "infinite by exponent": "1e309",
    "smallest": "5e-324",
    "NaN": "NaN",
    "Infinity": "Infinity",
    "minus infinity": "-Infinity",
    "empty": '""',
    "blank": '" "',
    "line end": '"\\n"',
    "nul": '"\\u0000"',
    "half a character": '"\\ud800"',
    "other half": '"x\\udfff"',
    "escape": '"\\u001b]0;x\\u0007"',
    "long": json.dumps("x" * 70_000),
    "long and wide": json.dumps("漢" * 30_000, ensure_ascii=False),
    "number as text": '"1"',
    "system": '"system"',
    "everyone": '"@all"',
    "an operation": '"send"',
    "path": '"../../etc/passwd"',
    "percent": '"%s{0}"',
    "list": "[]",
    "list of null": "[null]",
    "list of list": "[[]]",
    "list of objects": "[{}]",
    "list of numbers": "[1]",
    "long list": "[" + ",".join(["0"] * 5000) + "]",
    "long list of texts": "[" + ",".join(['"x"'] * 5000) + "]",
    "deep list": "[" * DEEP + "]" * DEEP,
    "object": "{}",
    "object with a key twice": '{"a":1,"a":2}',
    "object with odd keys": '{"":1,"\\u0000":2,"__proto__":3,"op":"send","n":9}',
    "deep object": '{"a":' * DEEP + "1" + "}" * DEEP,
    "broken": "{",
}

# Whole bodies that are not a request, for every transport that takes JSON.
BODIES: dict[str, bytes] = {
    "nothing": b"",
    "blank": b"  \n",
    "brace": b"{",
    "closing brace": b"}",
    "array": b"[]",
    "array of requests": b'[{"op":"ping"}]',
    "number": b"7",
    "text": b'"ping"',
    "null": b"null",
    "true": b"true",
    "empty object": b"{}",
    "two objects": b'{"op":"ping"}{"op":"ping"}',
    "rest behind it": b'{"op":"ping"} x',
    "comma": b'{"op":"ping",}',
    "single quotes": b"{'op':'ping'}",
    "byte order mark": b'\xef\xbb\xbf{"op":"ping"}',
    "utf-16": '{"op":"ping"}'.encode("utf-16"),
    "latin-1": '{"op":"send","content":"ä"}'.encode("latin-1"),
    "half of utf-8": b'{"op":"send","content":"\xc3"}',
    "overlong utf-8": b'{"op":"send","content":"\xc0\xaf"}',
    "surrogate in utf-8": b'{"op":"send","content":"\xed\xa0\x80"}',
    "nul bytes": b"\x00" * 100,
    "all bytes": bytes(range(256)),
    "deep": b"[" * 100_000,
    "deep objects": b'{"a":' * 100_000,
    "op twice": b'{"op":"ping","op":"bye"}',
    "op is null": b'{"op":null}',
    "op is a number": b'{"op":7}',
    "op is a list": b'{"op":["ping"]}',
    "op unknown": b'{"op":"nonsense"}',
    "op in capitals": b'{"op":"PING"}',
    "op is long": b'{"op":"' + b"x" * 70_000 + b'"}',
    "type instead of op": b'{"type":"ping"}',
    "unknown field": b'{"op":"ping","nonsense":1}',
    "n is text": b'{"op":"ping","n":"1"}',
    "many keys": b"{" + b",".join(b'"k%d":0' % one for one in range(5000)) + b"}",
}


def least(type_: inspect.Type) -> Any:  # noqa: C901, PLR0911 - one line for each kind
    """A value of a type with every field set, and one item in each list."""
    match type_:
        case inspect.Metadata(type=inner):
            return least(inner)
        case inspect.UnionType(types=types):
            return least(next(one for one in types if not isinstance(one, inspect.NoneType)))
        case inspect.StructType(fields=fields):
            return {one.encode_name: least(one.type) for one in fields}
        case inspect.VarTupleType(item_type=item) | inspect.ListType(item_type=item):
            return [least(item)]
        case inspect.DictType():
            return {"a": 1}
        case inspect.StrType(min_length=shortest):
            return "x" * max(1, shortest or 0)
        case inspect.EnumType(cls=cls):
            return next(iter(cls)).value
        case inspect.BoolType():
            return False
        case inspect.IntType() | inspect.FloatType():
            return 1
        case inspect.LiteralType(values=values):
            return values[0]
    return "x"


def places(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a value that can be replaced."""
    if at:
        yield at
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in children:
        yield from places(one, (*at, key))


def with_hole(value: Any, at: tuple[Any, ...]) -> Any:
    if not at:
        return HOLE.strip('"')
    copy: Any = dict(value) if isinstance(value, dict) else list(value)
    copy[at[0]] = with_hole(value[at[0]], at[1:])
    return copy


def holed(kind: type[msgspec.Struct], tag: dict[str, Any], *, without: frozenset[str] = frozenset()) -> Iterator[str]:
    """This request as JSON, once for each of its places, with a gap there. Optional fields are included."""
    fields = [one for one in msgspec.structs.fields(kind) if one.encode_name not in without]
    info = inspect.type_info(kind)
    assert isinstance(info, inspect.StructType)
    whole = {one.encode_name: least(one.type) for one in info.fields if one.encode_name not in without}
    needed = {one.encode_name for one in fields if one.required}
    for at in places(whole):
        kept = {name: value for name, value in whole.items() if name in needed or name == at[0]}
        yield json.dumps({**tag, **with_hole(kept, at)})


def requests_of(kind: type[Request]) -> Iterator[str]:
    return holed(kind, {"op": str(kind.__struct_config__.tag)})


ALL_REQUESTS: tuple[type[Request], ...] = tuple(one.request for one in OPERATIONS)
