"""The file that tells a service manager how to run the gateway: a systemd unit or a list for launchd. Pure."""

from __future__ import annotations

import hashlib
import plistlib
import re
from dataclasses import dataclass

from gateway.protocol.errors import BadRequest

NAME = "llm-groupchat"
RESTART_DELAY_S = 2
MAX_STARTS = 5  # within MAX_STARTS_WITHIN_S: then the manager gives up, and `status` says so
MAX_STARTS_WITHIN_S = 60
_UNIT_ESCAPES = {"\\": "\\\\", '"': '\\"', "%": "%%", "$": "$$"}


@dataclass(frozen=True)
class GatewayService:
    """A gateway as a service: its name for the manager, its state folder, and the command that runs it."""

    name: str
    state: str
    command: tuple[str, ...]

    def __post_init__(self) -> None:
        for word in (self.state, *self.command):
            if any(ord(one) < 32 or ord(one) == 127 for one in word):
                raise BadRequest(f"A service cannot have a control character in its command: {word!r}.")


def service_name(state: str, default_state: str) -> str:
    """The default state folder has the plain name, each other folder a name of its own."""
    if state == default_state:
        return NAME
    words = re.sub(r"[^A-Za-z0-9]+", "-", state.rstrip("/").rpartition("/")[2]).strip("-").lower()[:40]
    digest = hashlib.sha256(state.encode(errors="surrogateescape")).hexdigest()[:8]
    return "-".join([NAME, *([words] if words else []), digest])


def systemd_unit(service: GatewayService) -> str:
    command = " ".join(_quote(word) for word in service.command)
    return f"""\
[Unit]
Description=llm-groupchat gateway of {service.state.replace("%", "%%")}
StartLimitIntervalSec={MAX_STARTS_WITHIN_S}
StartLimitBurst={MAX_STARTS}

[Service]
Type=exec
ExecStart={command}
Restart=always
RestartSec={RESTART_DELAY_S}
UMask=0077

[Install]
WantedBy=default.target
"""


def _quote(word: str) -> str:
    """systemd replaces `%h` and `$NAME` in a command, and reads quotes and backslashes as C does."""
    return '"' + "".join(_UNIT_ESCAPES.get(one, one) for one in word) + '"'


def launchd_list(service: GatewayService) -> bytes:
    return plistlib.dumps(
        {
            "Label": service.name,
            "ProgramArguments": list(service.command),
            "RunAtLoad": True,
            "KeepAlive": True,
            "ThrottleInterval": RESTART_DELAY_S,
            "ProcessType": "Background",
            "Umask": 0o077,
            "StandardErrorPath": f"{service.state}/service.log",
        },
        sort_keys=False,
    )
