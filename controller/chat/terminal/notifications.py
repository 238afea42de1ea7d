"""Shows desktop notifications with the person's own command."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

from controller.chat.terminal.run_with_timeout import run_bounded
from controller.team.notification_command import fill_command

NOTIFICATION_TIMEOUT_S = 30.0


async def send_notification(command: Sequence[str], who: str, text: str) -> None:
    """Show a desktop notification; a failure is ignored."""
    with contextlib.suppress(OSError, TimeoutError):
        await run_bounded(fill_command(command, who, text), NOTIFICATION_TIMEOUT_S)
