"""Only an address of a private network is opened."""

from __future__ import annotations

import pytest

from gateway.listening.private_addresses import check_private_address
from gateway.protocol.errors import BadRequest

ALLOWED = [
    ("192.168.1.5", "192.168.1.5"),
    (" 10.0.0.7 ", "10.0.0.7"),
    ("172.16.0.1", "172.16.0.1"),
    ("172.31.255.254", "172.31.255.254"),
    ("169.254.3.4", "169.254.3.4"),
    ("127.0.0.2", "127.0.0.2"),
    ("fd12:3456:789a::1", "fd12:3456:789a::1"),
    ("[FD12::0001]", "fd12::1"),
    ("::ffff:192.168.1.5", "192.168.1.5"),
]
REFUSED = [
    *("0.0.0.0", "::", "255.255.255.255", "224.0.0.1", "8.8.8.8", "172.32.0.1", "192.167.1.1", "100.64.0.1", "::1"),
    *("2001:db8::1", "2a00::1", "fe80::1", "fe80::1%eth0", "::ffff:8.8.8.8", "", "localhost", "desk.local"),
    *("192.168.1", "192.168.1.5:8765", "192.168.1.0/24", "0x0a000001", "010.0.0.1", "x" * 64),
]


@pytest.mark.parametrize(("text", "address"), ALLOWED)
def test_a_private_address_is_taken(text: str, address: str) -> None:
    assert check_private_address(text) == address


@pytest.mark.parametrize("text", REFUSED)
def test_no_other_address_is(text: str) -> None:
    with pytest.raises(BadRequest, match="no address"):
        check_private_address(text)
