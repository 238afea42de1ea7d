"""Checks the JSON schemas that a tool offers, and the arguments of calls by them. Pure.

The author of a schema may be hostile, so a check is bounded by what is checked, not by a clock: a schema has neither
references nor patterns, so each of its nodes meets each node of the arguments at most once, and their product is
limited.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from gateway.protocol import codec
from gateway.protocol.errors import BadRequest, InvalidName, TooLarge
from gateway.protocol.text.printable_text import shorten_line
from gateway.protocol.tool_calls.tool_call_types import ToolOperation

MAX_OFFER_BYTES = 64 * 1024
MAX_ARGUMENTS_BYTES = 64 * 1024
MAX_RESULT_BYTES = 64 * 1024
MAX_SCHEMA_NODES = 2000  # of all operations of a tool together
MAX_SCHEMA_DEPTH = 16
MAX_ARGUMENTS_DEPTH = 32
MAX_CHECK_STEPS = 30_000  # nodes of the schema times nodes of the arguments
MAX_COMPLAINT_CHARS = 300

ONE_SCHEMA = frozenset({"items", "additionalProperties", "not"})
SCHEMA_LIST = frozenset({"allOf", "anyOf", "oneOf"})
NAMED_SCHEMAS = frozenset({"properties"})
PLAIN = frozenset(
    {
        *("type", "enum", "const", "required", "title", "description", "default", "examples", "format", "$schema"),
        *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength", "maxLength"),
        *("minItems", "maxItems", "minProperties", "maxProperties"),
    }
)
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}")
KEYWORDS = ONE_SCHEMA | SCHEMA_LIST | NAMED_SCHEMAS | PLAIN


def check_offer(operations: tuple[ToolOperation, ...]) -> None:
    """Refuse operations with a schema that is wrong, or that could make a check slow."""
    names = [one.name for one in operations]
    for name in names:
        if _NAME.fullmatch(name) is None:
            raise InvalidName(f"{name[:64]!r} cannot name an operation: letters, digits, '_', '.' and '-'.")
    if len(set(names)) < len(names):
        raise BadRequest("Two operations have the same name. Give each its own.")
    size = len(codec.encode(operations))
    if size > MAX_OFFER_BYTES:
        raise TooLarge(f"The operations have {size} bytes; the maximum is {MAX_OFFER_BYTES}.")
    nodes = sum(count_nodes(one.parameters) for one in operations)
    if nodes > MAX_SCHEMA_NODES:
        raise TooLarge(f"The schemas have {nodes} values; the maximum is {MAX_SCHEMA_NODES}.")
    for one in operations:
        _check_schema(one)


def _check_schema(operation: ToolOperation) -> None:
    where = f"The parameters of {operation.name}"
    if nesting_of(operation.parameters) > MAX_SCHEMA_DEPTH:
        raise BadRequest(f"{where} are nested more than {MAX_SCHEMA_DEPTH} levels deep.")
    if operation.parameters.get("type", "object") != "object":
        raise BadRequest(f'{where} must be a JSON schema of the type "object".')
    for schema in _schemas_in(operation.parameters):
        unknown = sorted(set(schema) - KEYWORDS)
        if unknown:
            raise BadRequest(
                f"{where} use {shorten_line(unknown[0], 40)!r}. A schema here has neither references nor patterns; it "
                f"may use {', '.join(sorted(KEYWORDS))}."
            )
    _check_by_metaschema(where, operation.parameters)


def _check_by_metaschema(where: str, schema: dict[str, Any]) -> None:
    from jsonschema import Draft202012Validator, SchemaError  # noqa: PLC0415 - takes 80 ms; most gateways have no tool

    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        raise BadRequest(f"{where} are no JSON schema: {_complaint(error)}.") from None


def check_arguments(operation: ToolOperation, arguments: dict[str, Any]) -> None:
    """Refuse arguments that the operation does not take. The error names the first wrong one."""
    check_size("arguments", arguments, MAX_ARGUMENTS_BYTES)
    steps = count_nodes(operation.parameters) * count_nodes(arguments)
    if steps > MAX_CHECK_STEPS:
        raise TooLarge("The arguments have too many values for this schema. Send fewer, or one text.")
    from jsonschema import Draft202012Validator  # noqa: PLC0415 - as above
    from jsonschema.exceptions import best_match  # noqa: PLC0415

    try:
        error = best_match(Draft202012Validator(operation.parameters).iter_errors(arguments))
    except ArithmeticError:  # a whole number of hundreds of digits is a multiple of no fraction
        raise BadRequest(f"{operation.name} does not take these arguments: a number is too large.") from None
    if error is not None:
        raise BadRequest(f"{operation.name} does not take these arguments: {_complaint(error)}.")


def check_size(what: str, value: Any, most: int) -> None:
    if nesting_of(value) > MAX_ARGUMENTS_DEPTH:
        raise BadRequest(f"The {what} are nested more than {MAX_ARGUMENTS_DEPTH} levels deep. Send them flatter.")
    size = len(codec.encode(value))
    if size > most:
        raise TooLarge(f"The {what} have {size} bytes; the maximum is {most}.")


def count_nodes(value: Any) -> int:
    """All values in a JSON value, itself included."""
    return sum(1 for _ in _values_in(value))


def nesting_of(value: Any) -> int:
    """The levels of lists and objects in a JSON value, as far as the limit and one more."""
    level, depth = [value], 0
    while (level := [inner for one in level for inner in _inner(one)]) and depth <= MAX_ARGUMENTS_DEPTH:
        depth += 1
    return depth


def _values_in(value: Any) -> Iterator[Any]:
    waiting = [value]
    while waiting:
        one = waiting.pop()
        yield one
        waiting.extend(_inner(one))


def _inner(value: Any) -> Iterable[Any]:
    return value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()


def _schemas_in(schema: Any) -> Iterator[dict[str, Any]]:
    """The schema and those in it. Whatever is none is left to the check by the metaschema."""
    waiting = [schema]
    while waiting:
        one = waiting.pop()
        if not isinstance(one, dict):
            continue
        yield one
        waiting += [one[key] for key in ONE_SCHEMA & one.keys()]
        for key in (SCHEMA_LIST | NAMED_SCHEMAS) & one.keys():
            waiting.extend(_inner(one[key]))


def _complaint(error: Any) -> str:
    """What the library says is wrong, and where. It quotes what it has checked."""
    where = ".".join(str(step) for step in error.absolute_path)
    text = shorten_line(str(error.message), MAX_COMPLAINT_CHARS)
    return f"{shorten_line(where, 80)}: {text}" if where else text
