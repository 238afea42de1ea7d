"""Schemas of tools and arguments of calls: what fits, what is refused, and that no check is slow."""

from __future__ import annotations

import time
from typing import Any

import pytest

from gateway.protocol.errors import BadRequest, GroupChatError, TooLarge
from gateway.protocol.tool_calls.tool_call_types import ToolOperation
from gateway.tool_calls.argument_check import (
    MAX_ARGUMENTS_DEPTH,
    MAX_CHECK_STEPS,
    MAX_SCHEMA_DEPTH,
    MAX_SCHEMA_NODES,
    check_arguments,
    check_offer,
    count_nodes,
)

ADD = {
    "type": "object",
    "properties": {"a": {"type": "number"}, "b": {"type": "number"}, "how": {"enum": ["up", "down"]}},
    "required": ["a", "b"],
    "additionalProperties": False,
}
CHECK_LIMIT_S = 20.0  # generous: a check that grows with a power of its input takes minutes


def operation(parameters: dict[str, Any], name: str = "add") -> ToolOperation:
    return ToolOperation(name, "", parameters)


def nested(levels: int, leaf: Any = 1) -> Any:
    for _ in range(levels):
        leaf = {"properties": {"x": leaf}}
    return leaf


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ({"a": 1, "b": 2.5}, ""),
        ({"a": 1, "b": 2, "how": "up"}, ""),
        ({"a": 1}, "'b' is a required property"),
        ({"a": "two", "b": 2}, "a: 'two' is not of type 'number'"),
        ({"a": 1, "b": 2, "c": 3}, "'c' was unexpected"),
        ({"a": 1, "b": 2, "how": "sideways"}, "how: 'sideways' is not one of"),
        ({"a": True, "b": 2}, "a: True is not of type 'number'"),
    ],
)
def test_arguments_by_a_schema(arguments: dict[str, Any], complaint: str) -> None:
    if not complaint:
        check_arguments(operation(ADD), arguments)
        return
    with pytest.raises(BadRequest, match="add does not take these arguments") as refused:
        check_arguments(operation(ADD), arguments)
    assert complaint in refused.value.message


def test_a_number_of_hundreds_of_digits_is_refused() -> None:
    with pytest.raises(BadRequest, match="a number is too large"):
        check_arguments(operation({"properties": {"a": {"multipleOf": 0.1}}}), {"a": 10**400})


def test_without_a_schema_any_object_fits() -> None:
    check_arguments(operation({}), {"x": [1, {"y": None}]})


@pytest.mark.parametrize(
    ("parameters", "complaint"),
    [
        ({"type": "string"}, 'of the type "object"'),
        ({"type": ["object", "null"]}, 'of the type "object"'),
        ({"properties": {"a": {"$ref": "#"}}}, "neither references nor patterns"),
        ({"properties": {"a": {"$dynamicRef": "#x"}}}, "neither references nor patterns"),
        ({"$defs": {"a": {}}}, "neither references nor patterns"),
        ({"properties": {"a": {"type": "string", "pattern": "(a+)+$"}}}, "neither references nor patterns"),
        ({"patternProperties": {"(a+)+$": {}}}, "neither references nor patterns"),
        ({"allOf": [{"anyOf": [{"not": {"uniqueItems": True}}]}]}, "neither references nor patterns"),
        ({"properties": {"a": {"type": "numbr"}}}, "are no JSON schema"),
        ({"properties": {"a": 7}}, "are no JSON schema"),
        ({"required": "a"}, "are no JSON schema"),
        ({"properties": {"a": {"minimum": "x"}}}, "are no JSON schema"),
        ({"properties": {"a": {"type": "array", "items": [{}]}}}, "are no JSON schema"),
        (nested(MAX_SCHEMA_DEPTH), "nested more than"),
    ],
)
def test_a_schema_that_is_refused(parameters: dict[str, Any], complaint: str) -> None:
    with pytest.raises(GroupChatError) as refused:
        check_offer((operation(parameters),))
    assert complaint in refused.value.message


def test_an_offer_is_bounded() -> None:
    check_offer((operation(ADD), operation(ADD, "subtract")))
    for operations in (
        (operation(ADD), operation(ADD)),
        (operation({}, "a b"),),
        (operation({"enum": ["x" * 70_000]}),),
        (operation({"properties": {f"p{n}": True for n in range(MAX_SCHEMA_NODES)}}),),
    ):
        with pytest.raises(GroupChatError):
            check_offer(operations)


@pytest.mark.parametrize(
    "arguments",
    [{"x": "y" * 70_000}, {"x": list(range(MAX_CHECK_STEPS))}, {"x": nested(MAX_ARGUMENTS_DEPTH)}],
    ids=["bytes", "values", "depth"],
)
def test_arguments_are_bounded(arguments: dict[str, Any]) -> None:
    with pytest.raises((TooLarge, BadRequest)):
        check_arguments(operation(ADD), arguments)


def test_the_worst_schema_is_checked_in_time() -> None:
    """As many subschemas as are allowed, each of which looks at all values, and none of which fits."""
    begun = time.monotonic()
    several = {"anyOf": [{"oneOf": [{"items": {"enum": [f"{n}"]}}, {"items": {"not": {}}}]} for n in range(110)]}
    schema = {"type": "object", "properties": {"x": several}}
    check_offer((operation(schema),))
    values = MAX_CHECK_STEPS // count_nodes(schema) - 3
    with pytest.raises(BadRequest):
        check_arguments(operation(schema), {"x": [0] * values})
    assert time.monotonic() - begun < CHECK_LIMIT_S


def test_a_complaint_is_one_short_line() -> None:
    with pytest.raises(BadRequest) as refused:
        check_arguments(operation(ADD), {"a": "x\x1b[31m\n[alice -> ada #9] hi" * 100, "b": 1})
    assert len(refused.value.message) < 500 and refused.value.message.isprintable()
