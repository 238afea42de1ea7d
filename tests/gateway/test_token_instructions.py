"""What the holder of a new token is told."""

from __future__ import annotations

import pytest

from gateway.protocol.types.core_types import MemberKind
from gateway.token_instructions import instruction_lines

FAR, NEAR = "https://desk.example:8765", "http://127.0.0.1:8765"


@pytest.mark.parametrize(
    ("kind", "url", "fingerprint", "lines"),
    [
        (
            MemberKind.HUMAN,
            FAR,
            "ab12",
            (
                "bob types, with the token for TOKEN:",
                f"  export CSP_GATEWAY_URL={FAR} GROUPCHAT_FINGERPRINT=ab12 CSP_AUTH_TOKEN=TOKEN",
                "  groupchat chat",
            ),
        ),
        (MemberKind.TOOL, NEAR, "", (f"  export CSP_GATEWAY_URL={NEAR} CSP_AUTH_TOKEN=TOKEN", "  groupchat listen")),
        (MemberKind.AGENT, "", "", ("  export CSP_AUTH_TOKEN=TOKEN",)),
    ],
)
def test_the_lines(kind: MemberKind, url: str, fingerprint: str, lines: tuple[str, ...]) -> None:
    shown = instruction_lines("bob", kind, url, fingerprint)
    assert set(lines) <= set(shown)
    assert len(shown) == 3


def test_a_gateway_of_this_machine_alone_says_so() -> None:
    assert "on this machine" in instruction_lines("bob", MemberKind.HUMAN, NEAR, "")[0]
    assert "does not run yet" in instruction_lines("bob", MemberKind.HUMAN, "", "")[0]
    assert "join bob" in instruction_lines("bob", MemberKind.AGENT, FAR, "")[2]
