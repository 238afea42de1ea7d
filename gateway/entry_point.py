"""Starts `groupchat-gateway`. Ctrl-C ends it quietly from the first line on, also while modules are imported."""

from __future__ import annotations

import sys


def main() -> None:
    try:
        import gateway.cli

        gateway.cli.main()
    except KeyboardInterrupt:
        sys.exit(130)
