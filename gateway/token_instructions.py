"""What the holder of a new token types to use it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

from gateway.client.discovery.local_defaults import LOOPBACK_NAMES
from gateway.protocol.types.core_types import MemberKind

COMMANDS = {
    MemberKind.HUMAN: "groupchat chat",
    MemberKind.AGENT: "groupchat join {name} -- COMMAND   # COMMAND starts the agent, such as claude",
}
OTHER_COMMAND = "groupchat listen"


def instruction_lines(name: str, kind: MemberKind, url: str, fingerprint: str) -> Sequence[str]:
    """The sentence above, the address with the token, and the command. `url` is empty if no gateway runs."""
    words = {"CSP_GATEWAY_URL": url, "GROUPCHAT_FINGERPRINT": fingerprint, "CSP_AUTH_TOKEN": "TOKEN"}
    exports = " ".join(f"{one}={value}" for one, value in words.items() if value)
    command = COMMANDS.get(kind, OTHER_COMMAND).format(name=name)
    return (f"{name} types, with the token for TOKEN{_reach(url)}:", f"  export {exports}", f"  {command}")


def _reach(url: str) -> str:
    if not url:
        return " (the gateway does not run yet; `groupchat serve` prints its address)"
    if urlsplit(url).hostname in LOOPBACK_NAMES:
        return " (on this machine; for others, `groupchat serve` needs --host, --cert and --key)"
    return ""
