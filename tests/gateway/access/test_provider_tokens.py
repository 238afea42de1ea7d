"""Which tokens of identity providers are believed: forged, foreign, old, early, giant and nested ones are not."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.access.provider_token_record import (
    ENDED_TEXT,
    NOT_ACCEPTED_TEXT,
    ProviderIdentity,
    ProviderToken,
    is_provider_token,
)
from gateway.access.provider_tokens import (
    MAX_KEYS,
    MAX_TOKEN_CHARS,
    NOT_YET_TEXT,
    OTHER_AUDIENCE_TEXT,
    TOO_LONG_LIVED_TEXT,
    AcceptedIssuer,
    KeySet,
    check_provider_token,
    parse_key_set,
    read_form,
)
from gateway.protocol.errors import BadRequest, Unauthorized
from tests.support.issuer import ALGORITHM_OF, AUDIENCE, ISSUER, claims, key_set, private_key, public_jwk, sign
from tests.support.world import NOON

LEEWAY_S = 30.0
FAMILIES = ["rsa", "ec", "ed25519"]


def accepted(*algorithms: str) -> AcceptedIssuer:
    return AcceptedIssuer(ISSUER, frozenset({AUDIENCE}), frozenset(algorithms or ("EdDSA",)), LEEWAY_S, 3600.0)


def keys_of(family: str = "ed25519", **fields: Any) -> KeySet:
    return parse_key_set(key_set(public_jwk(family, **fields)), frozenset({ALGORITHM_OF[family]}))


def check(token: str, family: str = "ed25519", keys: KeySet | None = None, now: float = NOON) -> ProviderToken:
    found, _ = check_provider_token(read_form(token), accepted(ALGORITHM_OF[family]), keys or keys_of(family), now)
    return found


def encoded(value: object) -> str:
    text = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(text).decode().rstrip("=")


@pytest.mark.parametrize("family", FAMILIES)
def test_a_token_of_the_issuer_is_believed(family: str) -> None:
    token = sign(claims(NOON), family)
    assert is_provider_token(token)
    found = check(token, family)
    assert found.identity == ProviderIdentity(ISSUER, "u-1")
    assert (found.jti, found.ends) == ("jti-of-u-1", NOON + 600 + LEEWAY_S)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"exp": NOON - LEEWAY_S}, ENDED_TEXT),
        ({"exp": NOON - 1e9}, ENDED_TEXT),
        ({"nbf": NOON + LEEWAY_S + 1}, NOT_YET_TEXT),
        ({"iat": NOON + LEEWAY_S + 1}, NOT_YET_TEXT),
        ({"exp": NOON + 1e9}, TOO_LONG_LIVED_TEXT),
        ({"aud": "another"}, OTHER_AUDIENCE_TEXT),
        ({"aud": ["another", "third"]}, OTHER_AUDIENCE_TEXT),
        ({"aud": {AUDIENCE: 1}}, OTHER_AUDIENCE_TEXT),
        ({"aud": None}, OTHER_AUDIENCE_TEXT),
        ({"aud": []}, OTHER_AUDIENCE_TEXT),
        ({"iss": "https://id.example.org/other"}, NOT_ACCEPTED_TEXT),
        ({"iss": ISSUER + "/"}, NOT_ACCEPTED_TEXT),
        ({"iss": None}, NOT_ACCEPTED_TEXT),
        ({"exp": None}, NOT_ACCEPTED_TEXT),
        ({"exp": True}, NOT_ACCEPTED_TEXT),
        ({"nbf": "soon"}, NOT_ACCEPTED_TEXT),
        ({"sub": None}, NOT_ACCEPTED_TEXT),
        ({"sub": ""}, NOT_ACCEPTED_TEXT),
        ({"sub": "u" * 256}, NOT_ACCEPTED_TEXT),
        ({"sub": "a\u202eb"}, NOT_ACCEPTED_TEXT),
        ({"jti": "x" * 256}, NOT_ACCEPTED_TEXT),
    ],
)
def test_claims_that_are_refused(changes: dict[str, Any], text: str) -> None:
    with pytest.raises(Unauthorized) as refused:
        check(sign(claims(NOON, **changes)))
    assert refused.value.message == text


def test_a_token_that_this_test_signs_by_hand_is_believed() -> None:
    """What is refused below is refused for what was changed in it."""
    signed = f"{encoded({'alg': 'EdDSA', 'kid': 'k1'})}.{encoded(claims(NOON))}"
    assert check(f"{signed}.{encoded(private_key('ed25519').sign(signed.encode()))}").identity.subject == "u-1"


@pytest.mark.parametrize("value", ["exp", "sub", "jti", "aud"])
def test_a_number_or_object_where_a_text_belongs_is_refused(value: str) -> None:
    payload = {**claims(NOON), value: {"a": 1}}
    signed = f"{encoded({'alg': 'EdDSA', 'kid': 'k1'})}.{encoded(payload)}"
    signature = encoded(private_key("ed25519").sign(signed.encode()))
    with pytest.raises(Unauthorized):
        check(f"{signed}.{signature}")


@pytest.mark.parametrize("changes", [{"exp": NOON - LEEWAY_S + 1}, {"nbf": NOON + LEEWAY_S}, {"aud": ["a", AUDIENCE]}])
def test_claims_within_the_leeway_are_accepted(changes: dict[str, Any]) -> None:
    assert check(sign(claims(NOON, **changes))).identity.subject == "u-1"


@pytest.mark.parametrize(
    "algorithm", ["none", "None", "nOnE", "", "HS256", "HS512", "RS256", "ES256", None, 7, ["EdDSA"]]
)
def test_another_algorithm_in_the_header_is_refused(algorithm: object) -> None:
    """Also where the signature is empty, or an HMAC with the public key as its secret."""
    signed = f"{encoded({'alg': algorithm, 'kid': 'k1', 'typ': 'JWT'})}.{encoded(claims(NOON))}"
    public = json.dumps(public_jwk("ed25519")).encode()
    mac = hmac.new(public, signed.encode(), hashlib.sha256).digest()
    for signature in (b"", mac, private_key("ed25519").sign(signed.encode())):
        with pytest.raises(Unauthorized):
            check(f"{signed}.{encoded(signature)}")


def test_hmac_with_each_form_of_the_public_key_is_refused() -> None:
    jwk = public_jwk("rsa")
    secrets = [json.dumps(jwk).encode(), jwk["n"].encode(), base64.urlsafe_b64decode(jwk["n"] + "==")]
    for secret in secrets:
        signed = f"{encoded({'alg': 'HS256', 'kid': 'k1'})}.{encoded(claims(NOON))}"
        token = f"{signed}.{encoded(hmac.new(secret, signed.encode(), hashlib.sha256).digest())}"
        with pytest.raises(Unauthorized):
            check(token, "rsa")


def test_a_key_in_the_token_is_never_used() -> None:
    mine = public_jwk("ed25519", kid="mine", number=2)
    for header in ({"jwk": mine}, {"jku": "http://127.0.0.1:1/keys"}, {"x5u": "http://127.0.0.1:1/x"}):
        for kid in ("mine", "k1", None):
            with pytest.raises(Unauthorized):
                check(sign(claims(NOON), kid=kid, number=2, **header))


@pytest.mark.parametrize(
    "header", [{"crit": ["b64"], "b64": False}, {"crit": ["exp"]}, {"b64": True}, {"kid": "x" * 300}]
)
def test_headers_that_change_the_meaning_are_refused(header: dict[str, Any]) -> None:
    signed = f"{encoded({'alg': 'EdDSA', 'kid': 'k1', **header})}.{encoded(claims(NOON))}"
    with pytest.raises(Unauthorized):
        check(f"{signed}.{encoded(private_key('ed25519').sign(signed.encode()))}")


def test_a_giant_token_is_refused_before_it_is_decoded() -> None:
    with pytest.raises(Unauthorized):
        check(sign(claims(NOON, filler="x" * MAX_TOKEN_CHARS)))


@pytest.mark.parametrize("opening", ["[", '{"a":'])
def test_a_nested_token_is_refused(opening: str) -> None:
    payload = (opening * 1000).encode()
    signed = f"{encoded({'alg': 'EdDSA', 'kid': 'k1'})}.{encoded(payload)}"
    with pytest.raises(Unauthorized):
        check(f"{signed}.{encoded(private_key('ed25519').sign(signed.encode()))}")


def test_a_token_in_a_token_is_refused() -> None:
    inner = sign(claims(NOON))
    signed = f"{encoded({'alg': 'EdDSA', 'kid': 'k1', 'cty': 'JWT'})}.{encoded(inner.encode())}"
    with pytest.raises(Unauthorized):
        check(f"{signed}.{encoded(private_key('ed25519').sign(signed.encode()))}")


def test_without_kid_only_a_single_key_is_tried() -> None:
    token = sign(claims(NOON), kid=None)
    assert check(token, keys=keys_of()).identity.subject == "u-1"
    two = key_set(public_jwk("ed25519"), public_jwk("ed25519", kid="k2", number=2))
    with pytest.raises(Unauthorized):
        check(token, keys=parse_key_set(two, frozenset({"EdDSA"})))


def test_the_record_is_named_by_issuer_subject_and_jti() -> None:
    one = check(sign(claims(NOON)))
    renewed = check(sign(claims(NOON, exp=NOON + 900)))
    other = check(sign(claims(NOON, "u-2", jti="jti-of-u-1")))
    assert one.id == renewed.id != other.id
    bare, same = (check(sign(claims(NOON, jti=None, note=note))) for note in ("a", "b"))
    assert bare.id != same.id


@pytest.mark.parametrize(
    "listed",
    [
        [public_jwk("rsa")],
        [public_jwk("ed25519", use="enc")],
        [public_jwk("ed25519", alg="RS256")],
        [public_jwk("ed25519", d="secret")],
        [{"kty": "oct", "k": "c2VjcmV0", "kid": "k1"}],
        [{"kty": "OKP", "crv": "Ed25519", "x": "short", "kid": "k1"}],
        [{"kty": "OKP", "crv": "X25519", "x": public_jwk("ed25519")["x"], "kid": "k1"}],
        [public_jwk("ed25519"), public_jwk("ed25519", number=2)],
        [public_jwk("ed25519", kid=None), public_jwk("ed25519", kid=None, number=2)],
        [{**public_jwk("ed25519"), "kid": 7}],
        [public_jwk("ed25519", kid=str(number)) for number in range(MAX_KEYS + 1)],
        [],
        ["key"],
        [None],
        {},
    ],
)
def test_key_sets_that_are_refused(listed: Any) -> None:
    with pytest.raises(BadRequest):
        parse_key_set(json.dumps({"keys": listed}).encode(), frozenset({"EdDSA"}))


@pytest.mark.parametrize("document", [b"", b"{", b"[]", b"7", b"<html>", b"\xff\xfe", b"[" * 100_000])
def test_documents_that_are_no_key_set(document: bytes) -> None:
    with pytest.raises(BadRequest):
        parse_key_set(document, frozenset({"EdDSA"}))


def test_a_weak_rsa_key_is_left_out() -> None:
    with pytest.raises(BadRequest):
        parse_key_set(key_set(public_jwk("rsa", number=9, bits=1024)), frozenset({"RS256"}))


def test_keys_of_other_families_are_left_out() -> None:
    found = parse_key_set(key_set(public_jwk("rsa", kid="r"), public_jwk("ed25519")), frozenset({"EdDSA"}))
    assert (set(found.keys), found.left_out) == ({"k1"}, 1)


GOOD = sign(claims(NOON))


@given(st.data())
def test_no_changed_token_is_believed(data: st.DataObject) -> None:
    """Any character exchanged, taken away or added: it is refused, and with nothing but `Unauthorized`."""
    place = data.draw(st.integers(0, len(GOOD) - 1))
    piece = data.draw(st.text(max_size=3))
    changed = GOOD[:place] + piece + GOOD[place + data.draw(st.integers(0, 2)) :]
    if changed != GOOD:
        with pytest.raises(Unauthorized):
            check(changed)


@given(st.text(max_size=200), st.text(max_size=200), st.text(max_size=200))
def test_any_text_is_refused_in_order(one: str, two: str, three: str) -> None:
    with pytest.raises(Unauthorized):
        check(f"{one}.{two}.{three}")


json_values = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(["iss", "sub", "aud", "exp", "nbf", "iat", "jti"]), json_values, max_size=4))
def test_any_claims_are_refused_or_those_of_the_issuer(changes: dict[str, Any]) -> None:
    payload = {**claims(NOON), **changes}
    signed = f"{encoded({'alg': 'EdDSA', 'kid': 'k1'})}.{encoded(payload)}"
    try:
        found = check(f"{signed}.{encoded(private_key('ed25519').sign(signed.encode()))}")
    except Unauthorized:
        return
    assert (found.identity.issuer, found.identity.subject) == (payload["iss"], payload["sub"])
    assert found.ends > NOON
