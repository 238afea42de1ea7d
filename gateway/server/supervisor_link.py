"""The gateway's link to its supervisor, if it has one: reports to it, and notices its end."""

from __future__ import annotations

import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass

from gateway.process_basics.supervisor_socket import SupervisorSocket, inherited_socket
from gateway.server.supervisor import CRASHES_VARIABLE, LINK_VARIABLE, LISTENING_LINE

FEW_CRASHES = 3
TELL_EVERY_CRASHES = 10


@dataclass(frozen=True)
class LastCrash:
    """The last crash of the gateway: its cause, its time, and the number of crashes in the last ten minutes."""

    how: str
    times: int
    at: float

    def text(self, now: float) -> str:
        """The notice for the chat; empty if the crash repeats too often."""
        if self.times > FEW_CRASHES and self.times % TELL_EVERY_CRASHES:
            return ""
        often = f" That was {self.times} times within ten minutes; see its log." if self.times > 1 else ""
        return (
            f"The gateway ended unexpectedly ({self.how}) and runs again after {now - self.at:.1f} s. "
            f"No accepted message is lost.{often}"
        )


class GatewaySupervisorLink(SupervisorSocket):
    def __init__(self, end: socket.socket | None = None, death: LastCrash | None = None) -> None:
        super().__init__(end)
        self.death = death

    def report_listening(self, port: int) -> None:
        self.tell(f"{LISTENING_LINE} {port}")


NO_SUPERVISOR = GatewaySupervisorLink()


def gateway_link_from(env: Mapping[str, str]) -> GatewaySupervisorLink:
    end = inherited_socket(env.get(LINK_VARIABLE, ""))
    return (
        GatewaySupervisorLink()
        if end is None
        else GatewaySupervisorLink(end, parse_last_crash(env.get(CRASHES_VARIABLE, "")))
    )


def parse_last_crash(text: str) -> LastCrash | None:
    at, _, rest = text.partition(" ")
    times, _, how = rest.partition(" ")
    return LastCrash(how, int(times), float(at)) if how else None


def monotonic_now() -> float:
    """The clock that the supervisor and the gateway share."""
    return time.monotonic()
