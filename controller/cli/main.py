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

from controller.cli.encryption import key_commands, verify_command
from controller.cli.room import (
    agent_orders,
    approvals,
    decisions,
    marks,
    members,
    messages,
    modes,
    room_sessions,
    rooms,
    shared_documents,
    transcripts,
)
from controller.cli.team import statistics, team_commands
from controller.cli.tools import tool_commands
from controller.cli.verb_forwarding import FORWARDED, forward, hand_over
from controller.cli.web import open_page, share_link
from gateway.command_line.application import CommandLine, ConsoleCommand, Verb, run_program
from gateway.command_line.common_options import FOLDER, FOLDER_WITH_KEYS, WITH_KEYS, as_words, given, program

CHAT, TEAM, AGENTS, ROOMS = "Chat", "Team", "Agents", "Rooms and decisions"
OPERATIONS, OTHER_SYSTEMS = "Operations", "Other systems"


class Forwarding(ConsoleCommand):
    """A verb of another program: its words are passed on unchanged, also for completion."""

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
rooms_app.panel(
    "Commands",
    {
        "invite": Verb(rooms.invite, common=WITH_KEYS),
        "kick": rooms.kick,
        "topic": rooms.change_topic,
        "set": rooms.set_room,
        "rm": rooms.remove_room,
    },
)

members_app = CommandLine("members", members.HELP)
members_app.panel("Commands", {"rm": members.remove_member})

mode_app = CommandLine("mode", modes.__doc__, group=modes.ShorthandGroup)
mode_app.panel(
    "Commands",
    {
        "set": modes.set_mode,
        "status": modes.mode_status,
        "next": modes.next_turn,
        "extend": modes.extend,
        "working": modes.working,
        "end": modes.end,
        "list": modes.show_modes,
    },
)

context_app = CommandLine("context", shared_documents.__doc__)
context_app.panel(
    "Commands",
    {
        "push": shared_documents.push,
        "pull": shared_documents.pull,
        "merge": shared_documents.merge,
        "diff": shared_documents.diff,
        "history": shared_documents.document_history,
        "list": shared_documents.show_contexts,
        "delete": shared_documents.delete,
    },
)

session_app = CommandLine("session", room_sessions.__doc__)
session_app.panel(
    "Commands",
    {
        "open": room_sessions.start_session,
        "close": room_sessions.close,
        "pause": room_sessions.pause,
        "resume": room_sessions.resume,
        "list": room_sessions.show_sessions,
        "show": room_sessions.show,
        "summary": room_sessions.summary,
    },
)

key_app = CommandLine("key", key_commands.__doc__)
key_app.panel(
    "Commands",
    {
        "new": key_commands.new_key,
        "list": key_commands.show_keys,
        "rotate": key_commands.rotate_key,
        "export": key_commands.export_key,
        "import": key_commands.import_key,
        "trust": key_commands.trust_key,
        "revoke": key_commands.revoke_key,
    },
    common=FOLDER_WITH_KEYS,
)

app = CommandLine("groupchat", __doc__, callback=program)
app.panel(
    CHAT,
    {
        "chat": Verb(messages.chat, common=WITH_KEYS),
        "send": Verb(messages.send, loose=True, common=WITH_KEYS),
        "listen": Verb(messages.listen, common=WITH_KEYS),
        "web": open_page.web,
        "share-link": share_link.share_link,
        "history": Verb(messages.history, common=WITH_KEYS),
        "search": Verb(messages.search, common=WITH_KEYS),
        "recall": messages.recall,
        "receipts": Verb(messages.receipts, common=WITH_KEYS),
        "transcript": Verb(transcripts.transcript, common=WITH_KEYS),
        "thread": Verb(marks.thread, common=WITH_KEYS),
        "react": marks.react_to,
        "pin": marks.pin,
        "unpin": marks.unpin,
        "pins": Verb(marks.pins, common=WITH_KEYS),
        "resend": Verb(marks.resend, common=WITH_KEYS),
        "cancel": agent_orders.cancel,
        "retry": agent_orders.retry,
    },
)
app.panel(
    TEAM,
    {
        "init": team_commands.init,
        "up": team_commands.up,
        "attach": team_commands.attach,
        "status": Verb(team_commands.status),
        "stats": Verb(statistics.stats),
        "teams": team_commands.teams,
        "add": team_commands.add,
        "rm": team_commands.remove_agent,
        "restart": team_commands.restart,
        "logs": team_commands.logs,
        "down": team_commands.down,
    },
    common=FOLDER,
)
app.panel(
    AGENTS,
    {
        "agents": Verb(members.agents, common=WITH_KEYS),
        "asks": Verb(approvals.asks, common=WITH_KEYS),
        "approve": Verb(approvals.approve, common=WITH_KEYS),
        "deny": Verb(approvals.deny, common=WITH_KEYS),
        "why": agent_orders.why,
        "stop": agent_orders.stop,
        "pause": agent_orders.pause_agents,
        "resume": agent_orders.resume_agents,
        "continue": agent_orders.continue_agents,
        "share": agent_orders.share,
        "role": agent_orders.role,
        "keys": agent_orders.keys,
        **_forwarded(AGENTS),
    },
)
app.panel(
    ROOMS,
    {
        "rooms": Verb(rooms_app, common=WITH_KEYS),
        "mute": rooms.mute,
        "unmute": rooms.unmute,
        "members": members_app,
        "mode": mode_app,
        "propose": decisions.propose,
        "vote": decisions.vote,
        "decisions": decisions.decisions,
        "decide": decisions.decide,
        "session": session_app,
        "context": context_app,
        "tools": tool_commands.show_tools,
        "call": tool_commands.call_operation,
    },
)
app.panel(
    OPERATIONS,
    {
        "key": Verb(key_app, common=FOLDER_WITH_KEYS),
        "verify": Verb(verify_command.verify_export, common=FOLDER_WITH_KEYS),
        **_forwarded(OPERATIONS),
    },
)
app.panel(OTHER_SYSTEMS, _forwarded(OTHER_SYSTEMS))


def main() -> None:
    forward(sys.argv[1:])
    run_program(app, "groupchat")


if __name__ == "__main__":
    main()
