"""A group chat for people and native CLI agents.

`groupchat up` starts a chat with the agents that are installed here.

Examples:
  groupchat up --demo
  groupchat send @claude "review src/app.py" --wait-reply
  groupchat VERB --help
"""

from __future__ import annotations

import sys
from typing import Any

from controller.cli import (
    agents,
    approvals,
    chat,
    context,
    decisions,
    members,
    modes,
    rooms,
    session,
    team,
)
from controller.cli.forwarding import FORWARDED, forward, hand_over
from gateway.client.command_line.application import CommandLine, ConsoleCommand, Verb, run_program
from gateway.client.command_line.common_options import FOLDER, as_words, given, program

CHAT, TEAM, AGENTS, ROOMS, OPERATIONS = "Chat", "Team", "Agents", "Rooms and decisions", "Operations"


class Forwarding(ConsoleCommand):
    """A verb of another program: its words go there as they are, also those of a completion."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        ctx.args = list(args)
        return []

    def invoke(self, ctx: Any) -> Any:
        hand_over(str(ctx.info_name), as_words(given(ctx)), ctx.args)

    def shell_complete(self, ctx: Any, incomplete: str) -> Any:
        """The other program reads the same words of the same shell, and answers."""
        hand_over(str(ctx.info_name), [], [])


def _forwarded(panel: str) -> dict[str, Verb]:
    def verb(summary: str) -> Verb:
        def run() -> None:
            pass

        run.__doc__ = summary
        return Verb(run, kind=Forwarding)

    return {name: verb(one.summary) for name, one in FORWARDED.items() if one.panel == panel}


rooms_app = CommandLine("rooms", rooms.HELP, callback=rooms.rooms)
rooms_app.panel("Commands", {"invite": rooms.invite, "kick": rooms.kick, "rm": rooms.remove})

members_app = CommandLine("members", members.HELP)
members_app.panel("Commands", {"rm": members.remove})

mode_app = CommandLine("mode", modes.__doc__, group=modes.ShorthandGroup)
mode_app.panel(
    "Commands",
    {
        "set": modes.set_mode,
        "status": modes.status,
        "next": modes.next_turn,
        "extend": modes.extend,
        "working": modes.working,
        "end": modes.end,
        "list": modes.show_modes,
    },
)

context_app = CommandLine("context", context.__doc__)
context_app.panel(
    "Commands",
    {
        "push": context.push,
        "pull": context.pull,
        "merge": context.merge,
        "diff": context.diff,
        "history": context.history,
        "list": context.show_contexts,
        "delete": context.delete,
    },
)

session_app = CommandLine("session", session.__doc__)
session_app.panel(
    "Commands",
    {
        "open": session.start_session,
        "close": session.close,
        "pause": session.pause,
        "resume": session.resume,
        "list": session.show_sessions,
        "show": session.show,
        "summary": session.summary,
    },
)

app = CommandLine("groupchat", __doc__, callback=program)
app.panel(
    CHAT,
    {
        "chat": chat.chat,
        "send": Verb(chat.send, loose=True),
        "listen": chat.listen,
        "history": chat.history,
        "search": chat.search,
        "receipts": chat.receipts,
        "cancel": agents.cancel,
        "retry": agents.retry,
    },
)
app.panel(
    TEAM,
    {
        "init": team.init,
        "up": team.up,
        "attach": team.attach,
        "status": Verb(team.status),
        "teams": team.teams,
        "add": team.add,
        "rm": team.remove,
        "restart": team.restart,
        "logs": team.logs,
        "down": team.down,
    },
    common=FOLDER,
)
app.panel(
    AGENTS,
    {
        "agents": members.agents,
        "asks": approvals.asks,
        "approve": approvals.approve,
        "deny": approvals.deny,
        "stop": agents.stop,
        "pause": agents.pause,
        "resume": agents.resume,
        "continue": agents.continue_agents,
        "share": agents.share,
        "role": agents.role,
        "keys": agents.keys,
        **_forwarded(AGENTS),
    },
)
app.panel(
    ROOMS,
    {
        "rooms": rooms_app,
        "members": members_app,
        "mode": mode_app,
        "propose": decisions.propose,
        "vote": decisions.vote,
        "decisions": decisions.decisions,
        "decide": decisions.decide,
        "session": session_app,
        "context": context_app,
    },
)
app.panel(OPERATIONS, _forwarded(OPERATIONS))


def main() -> None:
    forward(sys.argv[1:])
    run_program(app, "groupchat")


if __name__ == "__main__":
    main()
