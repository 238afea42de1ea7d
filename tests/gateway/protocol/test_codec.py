"""Bytes to values and back: every request, result and event survives the way; nothing else gets through."""

from __future__ import annotations

import math
from enum import Enum
from typing import Any

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec import inspect

from gateway.operations.operation_table import OPERATIONS
from gateway.protocol import codec, events, results
from gateway.protocol.errors import (
    ERROR_BY_CODE,
    BadJson,
    BadRequest,
    ErrorBody,
    GroupChatError,
    UnknownField,
    UnknownRecipient,
    error_from_body,
)
from gateway.protocol.requests import connection_requests
from gateway.protocol.types import core_types
from gateway.protocol.types.core_types import (
    MAX_CONTENT_BYTES,
    canonical_member_name,
    canonical_name,
    canonical_room_name,
    check_message_text,
)
from tests.support.examples import examples

json_values: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


def values_of(kind: inspect.Type) -> st.SearchStrategy[Any]:  # noqa: C901, PLR0911, PLR0912 - one line per kind
    """Any value a field of this type may hold."""
    match kind:
        case inspect.Metadata(type=inner):
            return values_of(inner)
        case inspect.UnionType(types=types):
            return st.one_of([values_of(one) for one in types])
        case inspect.NoneType():
            return st.none()
        case inspect.BoolType():
            return st.booleans()
        case inspect.EnumType(cls=enum):
            return st.sampled_from(list[Enum](enum))
        case inspect.IntType(ge=least, le=most):
            return st.integers(-(2**63) if least is None else least, 2**63 - 1 if most is None else most)
        case inspect.FloatType(gt=above, ge=least, le=most):
            low = above if least is None else least
            return st.floats(low, most, exclude_min=above is not None, allow_nan=False, allow_infinity=False)
        case inspect.StrType(min_length=least, max_length=most):
            return st.text(min_size=least or 0, max_size=most if most is None or most < 20 else 20)
        case inspect.VarTupleType(item_type=item, min_length=least):
            return st.lists(values_of(item), min_size=least or 0, max_size=3).map(tuple)
        case inspect.DictType(value_type=inspect.AnyType()):
            return st.dictionaries(st.text(), json_values, max_size=3)
        case inspect.DictType(value_type=value):
            return st.dictionaries(st.text(), values_of(value), max_size=3)
        case inspect.AnyType():
            return json_values
        case inspect.RawType():
            return json_values.map(codec.encode_raw)
        case inspect.StructType(cls=struct):
            return structs_of(struct)
    raise NotImplementedError(kind)


def structs_of(struct: type[Any]) -> st.SearchStrategy[Any]:
    info = inspect.type_info(struct)
    assert isinstance(info, inspect.StructType)
    return st.builds(struct, **{field.name: values_of(field.type) for field in info.fields})


EVENTS: tuple[type[Any], ...] = (*events.Durable.__args__, *events.Snapshot.__args__)
RESULTS = tuple(dict.fromkeys(one.result for one in OPERATIONS if one.result is not results.EventPage))

some = settings(max_examples=examples(25), deadline=None, derandomize=True)
many = settings(max_examples=examples(500), deadline=None, derandomize=True)


def test_each_request_has_one_operation_and_a_name_of_its_own() -> None:
    assert {one.request for one in OPERATIONS} == set(codec.REQUEST_BY_OP.values())
    assert len(OPERATIONS) == len(codec.REQUEST_BY_OP)


@pytest.mark.parametrize("op", sorted(codec.REQUEST_BY_OP))
@some
@given(st.data())
def test_a_request_survives_the_way(op: str, data: st.DataObject) -> None:
    request = data.draw(structs_of(codec.REQUEST_BY_OP[op]))
    assert codec.decode_request(codec.encode(request)) == request


@pytest.mark.parametrize("kind", EVENTS)
@some
@given(st.data())
def test_an_event_survives_the_way(kind: type[Any], data: st.DataObject) -> None:
    event = data.draw(structs_of(kind))
    raw = codec.encode(event)
    assert codec.decode_incoming(raw) == event
    if kind in events.Durable.__args__:
        assert codec.decode_durable(raw) == event


@pytest.mark.parametrize("kind", RESULTS)
@some
@given(st.data())
def test_a_result_survives_the_way_in_its_answer(kind: type[Any], data: st.DataObject) -> None:
    number, result = data.draw(st.integers(0, 2**53)), data.draw(structs_of(kind))
    answer = codec.decode_incoming(codec.encode_answer(number, result))
    assert isinstance(answer, results.Answer)
    assert (answer.re, codec.decode_result(answer, kind)) == (number, result)


@pytest.mark.parametrize("code", sorted(ERROR_BY_CODE))
def test_an_error_survives_the_way(code: str) -> None:
    error = ERROR_BY_CODE[code]("because", nearest=("a", "b"), retry_after=1.5)
    answer = codec.decode_incoming(codec.encode_error(7, error.body()))
    assert isinstance(answer, results.Answer)
    with pytest.raises(ERROR_BY_CODE[code], match="because") as caught:
        codec.decode_result(answer, results.Done)
    assert (type(caught.value), caught.value.body()) == (ERROR_BY_CODE[code], error.body())


def test_an_error_of_a_later_version_keeps_its_sentence() -> None:
    error = error_from_body(ErrorBody("brand_new", "because"))
    assert (type(error), str(error)) == (GroupChatError, "because")


# what is no request


REFUSED: dict[bytes, tuple[type[GroupChatError], str]] = {
    b"": (BadJson, ""),
    b"{": (BadJson, ""),
    b"hello": (BadJson, ""),
    b"\xff\xfe": (BadJson, ""),
    b'{"op":"ping"} {}': (BadJson, ""),
    b'{"op":"send","content":"\xc3\x28"}': (BadJson, ""),
    b'{"op":"send","content":"\\ud800"}': (BadJson, ""),
    b'{"op":"send","content":"x","context":{"a":' + b"[" * 5000 + b"]" * 5000 + b"}}": (BadJson, "deeply"),
    b"null": (BadRequest, "object"),
    b"[]": (BadRequest, "object"),
    b"{}": (BadRequest, "lists every `op`"),
    b'{"op":"dance"}': (BadRequest, "lists every `op`"),
    b'{"op":7}': (BadRequest, "lists every `op`"),
    b'{"op":"send"}': (BadRequest, "content"),
    b'{"op":"send","content":7}': (BadRequest, "$.content"),
    b'{"op":"send","content":"x","n":"1"}': (BadRequest, "$.n"),
    b'{"op":"send","content":"x","priority":11}': (BadRequest, "$.priority"),
    b'{"op":"send","content":"x","kind":"shout"}': (BadRequest, "$.kind"),
    b'{"op":"send","content":"x","ttl":0}': (BadRequest, "$.ttl"),
    b'{"op":"send","content":"x","id":""}': (BadRequest, "$.id"),
    b'{"op":"history","limit":1001}': (BadRequest, "$.limit"),
    b'{"op":"history","before":-1}': (BadRequest, "$.before"),
    b'{"op":"history","before":9223372036854775808}': (BadRequest, "$.before"),
    b'{"op":"history","before":1e300}': (BadRequest, "$.before"),
    b'{"op":"token.create","name":"a","expires_in":1e18}': (BadRequest, "$.expires_in"),
    b'{"op":"token.rotate","name":"a","grace":1e18}': (BadRequest, "$.grace"),
    b'{"op":"send","content":"x","contents":"y"}': (UnknownField, "contents"),
    b'{"op":"send","content":"x","from":"bob"}': (UnknownField, "from"),
    b'{"op":"send","content":"x","parts":[{"type":"file","size":3}]}': (UnknownField, "size"),
    b'{"op":"ping","token":"x"}': (UnknownField, "token"),
}


@pytest.mark.parametrize("data", REFUSED, ids=lambda data: repr(data[:50]))
def test_what_is_no_request_is_told_where_it_errs(data: bytes) -> None:
    kind, hint = REFUSED[data]
    with pytest.raises(kind) as caught:
        codec.decode_request(data)
    assert type(caught.value) is kind
    assert hint in caught.value.message


def test_a_complaint_does_not_repeat_a_whole_book() -> None:
    for data in (b'{"op":"ping","%b":1}', b'{"op":"send","content":"x","kind":"%b"}', b'{"op":"%b"}'):
        with pytest.raises(BadRequest) as caught:
            codec.decode_request(data % (b"x" * 100_000))
        assert len(caught.value.message) < 1000


@pytest.mark.parametrize(
    ("op", "says"), [("sned", "Did you mean send?"), ("room.craete", "room.create"), ("dance", "/docs")]
)
def test_an_unknown_op_is_told_the_nearest(op: str, says: str) -> None:
    with pytest.raises(BadRequest, match=says):
        codec.decode_request(b'{"op":"%b"}' % op.encode())


NUMBERS = {
    b'{"n":5}': 5,
    b'{"op":"dance","n":5}': 5,
    b'{"op":"send","n":5,"contents":[]}': 5,
    b'{"n":"5"}': 0,
    b'{"n":null}': 0,
    b"[5]": 0,
    b"{": 0,
    b"\xff": 0,
    b"": 0,
}


@pytest.mark.parametrize("data", NUMBERS)
def test_the_number_of_a_request_that_makes_no_sense(data: bytes) -> None:
    assert codec.request_number_in(data) == NUMBERS[data]


@many
@given(st.binary() | st.text().map(str.encode) | json_values.map(codec.encode))
@example(b'{"op":"ping","n":' + b"9" * 5000 + b"}")
@example(b"[" * 100_000)
@example(b'{"n":' + b"[" * 100_000)
def test_no_bytes_raise_anything_but_an_error_of_ours(data: bytes) -> None:
    try:
        codec.decode_request(data)
    except GroupChatError as error:
        codec.encode_error(codec.request_number_in(data), error.body())


@many
@given(st.sampled_from(sorted(codec.REQUEST_BY_OP)), st.dictionaries(st.text(), json_values, max_size=4), st.data())
def test_no_object_raises_anything_but_an_error_of_ours(op: str, noise: dict[str, Any], data: st.DataObject) -> None:
    """A good request, with fields taken away, replaced and added."""
    body = msgspec.json.decode(codec.encode(data.draw(structs_of(codec.REQUEST_BY_OP[op]))))
    known = sorted(body)
    for name in data.draw(st.lists(st.sampled_from(known), unique=True)):
        body[name] = data.draw(json_values)
    body |= noise
    try:
        request = codec.decode_request(codec.encode(body))
    except GroupChatError as error:
        codec.encode_error(codec.request_number_in(codec.encode(body)), error.body())
        return
    assert set(body) <= {field.encode_name for field in msgspec.structs.fields(request)} | {"op"}


# what clients must ignore


def test_clients_ignore_what_a_later_gateway_adds() -> None:
    assert codec.decode_incoming(b'{"ev":"replayed","until":3,"mood":"good"}') == events.Replayed(3)
    assert codec.decode_incoming(b'{"ev":"fireworks","seq":4}') is None
    answer = codec.decode_incoming(b'{"re":1,"ok":{"seq":3,"mood":"good"},"mood":1}')
    assert isinstance(answer, results.Answer)
    assert codec.decode_result(answer, results.Done) == results.Done(3)


# names and text


@many
@given(st.text())
def test_names_are_canonical_or_refused(text: str) -> None:
    for canonical in (canonical_name, canonical_member_name, canonical_room_name):
        try:
            name = canonical(text)
        except GroupChatError:
            continue
        assert canonical(name) == name == name.lower()
        assert 1 <= len(name) <= 64
        assert not set(name) & set(" /@#:*\x00")


@many
@given(st.text(alphabet=st.characters(exclude_categories=[])))
def test_text_that_is_accepted_can_be_encoded(text: str) -> None:
    try:
        checked = check_message_text(text)
    except GroupChatError:
        assert "\x00" in text or any(0xD800 <= ord(one) <= 0xDFFF for one in text)
        return
    assert checked.encode().decode() == text


@pytest.mark.parametrize(("letter", "size"), [("x", 1), ("ü", 2), ("字", 3), ("🙂", 4)])
def test_size_is_counted_in_bytes(letter: str, size: int) -> None:
    fits = MAX_CONTENT_BYTES // size
    assert check_message_text(letter * fits)
    with pytest.raises(GroupChatError, match=str((fits + 1) * size)):
        check_message_text(letter * (fits + 1))


def test_the_nearest_names_travel_with_the_error() -> None:
    body = UnknownRecipient("Nobody.", nearest=["@claude"]).body()
    assert msgspec.json.decode(codec.encode(body)) == {
        "code": "unknown_recipient",
        "message": "Nobody.",
        "nearest": ["@claude"],
    }


def test_infinity_is_not_a_number_on_the_wire() -> None:
    with pytest.raises(GroupChatError):
        codec.decode_request(b'{"op":"send","content":"x","ttl":1e400}')
    assert codec.encode(math.inf) == b"null"


def test_the_id_of_the_store_is_sent_under_its_old_name() -> None:
    """Clients of earlier versions read it so."""
    hello = connection_requests.Hello(store_id="0f5c", known=7)
    welcome = events.Welcome(1, core_types.Member("ada", core_types.MemberKind.AGENT), (), (), 7, store_id="0f5c")
    assert b'"house":"0f5c"' in codec.encode(hello)
    assert b'"house":"0f5c"' in codec.encode(welcome)
    assert codec.decode_request(codec.encode(hello)) == hello


def test_an_event_that_is_nested_too_deeply_is_no_event() -> None:
    """It ends the connection, and not the client."""
    deep = b'{"a":' * 100_000 + b"1" + b"}" * 100_000
    with pytest.raises(msgspec.DecodeError, match="nested too deeply"):
        codec.decode_incoming(b'{"ev":"message","context":' + deep + b"}")
