"""The sidecar's end of the link to its supervisor: made by a fork at the first start, found in the environment
later."""

from __future__ import annotations

import os
import signal
import socket
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from gateway.process_basics.supervisor_socket import SupervisorSocket, inherited_socket
from sidecar.supervision import supervisor
from sidecar.supervision.exit_report import ConversationChoice, ExitKind, ExitReport, parse_conversation_choice
from sidecar.supervision.supervisor import CONVERSATION_VARIABLE, LINK_VARIABLE


class SidecarSupervisorLink(SupervisorSocket):
    """What the sidecar reports to its supervisor before it ends. `conversation` is how the supervisor wants the
    agent's conversation continued."""

    def __init__(
        self, end: socket.socket | None = None, conversation: ConversationChoice = ConversationChoice.NONE
    ) -> None:
        super().__init__(end)
        self.conversation = conversation

    def report(self, how: ExitReport) -> None:
        """How the agent ended."""
        self.tell(how.line())

    def report_refusal(self) -> None:
        """The screen shows why it cannot start. Trying again would not help."""
        self.report(ExitReport(ExitKind.REFUSED))


def signal_hang_up() -> None:
    """As if our terminal had been closed."""
    os.kill(os.getpid(), signal.SIGHUP)


def sidecar_link_from(env: Mapping[str, str]) -> SidecarSupervisorLink | None:
    end = inherited_socket(env.get(LINK_VARIABLE, ""))
    if end is None:
        return None
    return SidecarSupervisorLink(end, parse_conversation_choice(env.get(CONVERSATION_VARIABLE, "")))


def fork_under_supervisor(name: str, folder: Path, policy: str, again: Sequence[str]) -> SidecarSupervisorLink:
    """Returns in the child, which is the first sidecar; this process becomes its supervisor. It forks because a second
    interpreter would have to import the same modules again."""
    ours, theirs = socket.socketpair()
    signal.pthread_sigmask(signal.SIG_BLOCK, supervisor.STOP_SIGNALS)
    pid = os.fork()
    if pid == 0:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, supervisor.STOP_SIGNALS)
        ours.close()
        return SidecarSupervisorLink(theirs)
    theirs.close()
    ours.set_inheritable(True)
    file = str(Path(supervisor.__file__).resolve())
    own = (name, str(folder), policy, str(pid), str(ours.fileno()), "--")
    os.execv(sys.executable, [sys.executable, "-I", "-S", file, *own, *again])
