"""Prints the figures of the traffic."""

from __future__ import annotations

from controller.wording.statistics_text import COLUMNS, heading, remarks, statistics_rows
from gateway.console.console_output import print_json, print_lines, print_table
from gateway.protocol.results import Statistics


def print_statistics(found: Statistics, as_json: bool) -> None:
    if as_json:
        print_json(found)
        return
    print_table(statistics_rows(found), columns=COLUMNS, title=heading(found))
    print_lines(*remarks(found))
