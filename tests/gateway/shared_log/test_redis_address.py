"""The address of a Redis: read, shown, and without a password."""

from __future__ import annotations

import pytest

from gateway.protocol.errors import BadRequest
from gateway.shared_log.redis_address import RedisAddress, parse_redis_address


@pytest.mark.parametrize(
    ("text", "address", "shown"),
    [
        ("redis://127.0.0.1:7000/3", RedisAddress("127.0.0.1", 7000, 3), "redis://127.0.0.1:7000/3"),
        ("redis://db.example", RedisAddress("db.example"), "redis://db.example:6379/0"),
        ("rediss://ann@db:1/", RedisAddress("db", 1, 0, "ann", True), "rediss://ann@db:1/0"),
        ("redis://[::1]:1/0", RedisAddress("::1", 1), "redis://[::1]:1/0"),
    ],
)
def test_an_address_is_read_and_shown(text: str, address: RedisAddress, shown: str) -> None:
    assert parse_redis_address(text) == address
    assert str(address) == shown


@pytest.mark.parametrize("text", ["redis://", "redis://h:port", "redis://h:99999", "redis://h/x", "redis://h/0?db=1"])
def test_what_is_no_address_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(BadRequest, match=r"redis://127\.0\.0\.1:6379/0"):
        parse_redis_address(text)


@pytest.mark.parametrize("text", ["redis://:hunter2@h/0", "redis://ann:hunter2@h"])
def test_a_password_in_the_address_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(BadRequest, match="--store-password-file") as refused:
        parse_redis_address(text)
    assert "hunter2" not in refused.value.message


def test_a_password_is_in_no_text() -> None:
    address = RedisAddress("h").with_password("hunter2")
    assert "hunter2" not in f"{address} {address!r}"
