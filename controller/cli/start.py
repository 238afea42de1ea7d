"""Starts `groupchat`. What belongs to another program goes there before anything slow is imported."""

from __future__ import annotations

import sys

from controller.cli.forwarding import forward


def main() -> None:
    forward(sys.argv[1:])
    from controller.cli.main import main as run

    run()
