"""What a program's commands import when they run: for the process that has imported it once and is forked."""

from __future__ import annotations

from types import ModuleType


def of_controller() -> tuple[ModuleType, ...]:
    import rich.console
    import rich.markup
    import rich.table

    from controller.cli import named_team, team_start
    from controller.commands import continue_text, decision_text, mode_text
    from controller.output import (
        command_output,
        context_diff,
        context_output,
        event_lines,
        session_markdown,
    )
    from controller.requests import context_files, file_quotes, send_and_wait, stop_agents
    from controller.workspace import launcher, team_list, team_status
    from gateway.client import client, paged_requests

    drawing = (rich.console, rich.markup, rich.table)
    rooms = (context_diff, context_files, context_output, decision_text, mode_text, session_markdown)
    messages = (
        send_and_wait,
        client,
        event_lines,
        continue_text,
        paged_requests,
        file_quotes,
        command_output,
        stop_agents,
    )
    return (*drawing, *rooms, *messages, launcher, named_team, team_start, team_status, team_list)


def of_gateway() -> tuple[ModuleType, ...]:
    from gateway.maintenance import doctor, export_import
    from gateway.server import server

    return (export_import, doctor, server)


def of_sidecar() -> tuple[ModuleType, ...]:
    from sidecar import lifecycle
    from sidecar.activity import explain, recording_replay

    return (lifecycle, explain, recording_replay)


USED_BY = {"controller.cli.main": of_controller, "gateway.cli": of_gateway, "sidecar.cli": of_sidecar}
