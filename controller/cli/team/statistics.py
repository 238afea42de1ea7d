"""The figures of the traffic from the shell."""

from __future__ import annotations

import typer

from controller.cli.room.run_request import announce_team, merge_options, run_with_client


def stats(ctx: typer.Context) -> None:
    """Print what each member sends and gets: messages, errors, and how long delivery takes.

    The guide of operations explains each figure; Prometheus reads them at /metrics.

    Examples:
      groupchat stats
      groupchat stats --json | jq '.total.latency.p95'
    """
    from controller.output.statistics_output import print_statistics
    from gateway.client import Client
    from gateway.protocol.requests.connection_requests import Stats
    from gateway.protocol.results import Statistics

    context = merge_options(ctx)

    async def ask(client: Client) -> Statistics:
        announce_team(context)
        return await client.request(Stats(), Statistics)

    print_statistics(run_with_client(context, ask), context.as_json)
