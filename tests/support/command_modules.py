"""The modules that commands import when they run, so that a forked process has them already."""

from __future__ import annotations

from types import ModuleType


def of_controller() -> tuple[ModuleType, ...]:
    import libtmux
    import rich.console
    import rich.markup
    import rich.table

    from controller.chat_commands import continue_command, mode_commands
    from controller.cli.team import running_team, up_command
    from controller.output import (
        command_output,
        event_lines,
        json_diff,
        shared_document_output,
        statistics_output,
        transcript_html,
        transcript_markdown,
        transcript_parts,
    )
    from controller.requests import (
        browser_pairing,
        command_requests,
        file_attachments,
        invitations,
        shared_document_files,
        silence_text,
        since_time,
        stop_agents,
    )
    from controller.wording import decision_text, invitation_text, statistics_text
    from controller.workspace import launcher, team_list, team_status
    from gateway.client import client, paged_requests
    from gateway.console import text_table

    drawing = (rich.console, rich.markup, rich.table, text_table, libtmux)
    rooms = (
        json_diff,
        shared_document_files,
        shared_document_output,
        decision_text,
        mode_commands,
        invitation_text,
        invitations,
    )
    answers = (browser_pairing, statistics_output, statistics_text, silence_text)
    transcripts = (transcript_html, transcript_markdown, transcript_parts, since_time)
    messages = (
        command_requests,
        client,
        event_lines,
        continue_command,
        paged_requests,
        file_attachments,
        command_output,
        stop_agents,
    )
    return (
        *drawing,
        *rooms,
        *messages,
        *answers,
        *transcripts,
        launcher,
        running_team,
        up_command,
        team_status,
        team_list,
    )


def of_gateway() -> tuple[ModuleType, ...]:
    from gateway.maintenance import doctor, export_import
    from gateway.mcp import startup
    from gateway.server import gateway_process

    return (export_import, doctor, startup, gateway_process)


def of_sidecar() -> tuple[ModuleType, ...]:
    from sidecar import sidecar_run
    from sidecar.activity import explanation, recording_replay

    return (sidecar_run, explanation, recording_replay)


USED_BY = {"controller.cli.main": of_controller, "gateway.cli": of_gateway, "sidecar.cli": of_sidecar}
