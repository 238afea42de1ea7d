"""Keys by name."""

import pytest

from sidecar.errors import SidecarError
from sidecar.named_keys import key_bytes


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("^C", [b"\x03"]),
        ("c-u", [b"\x15"]),
        ("esc esc", [b"\x1b", b"\x1b"]),
        ("1 Enter", [b"1", b"\r"]),
        ("Down", [b"\x1b[B"]),
    ],
)
def test_keys_by_name(text: str, keys: list[bytes]) -> None:
    assert key_bytes(text) == keys


def test_an_unknown_key_is_refused() -> None:
    with pytest.raises(SidecarError, match="is not a key"):
        key_bytes("hyper-x")
