"""Starts `groupchat`. A shell that completes a line is answered, and a verb of another program is forwarded, before any
slow import."""

from __future__ import annotations

import os
import sys

COMPLETED_SHELLS = {f"complete_{shell}": shell for shell in ("bash", "zsh", "fish")}


def main() -> None:
    """Ctrl-C ends it quietly from the first line on, also while modules are imported."""
    try:
        if shell := COMPLETED_SHELLS.get(os.environ.get("_GROUPCHAT_COMPLETE", "")):
            from controller.cli.completion.main import print_completions

            sys.exit(print_completions(shell))
        from controller.cli.verb_forwarding import as_options, forward

        sys.argv[1:] = as_options(sys.argv[1:])
        forward(sys.argv[1:])
        import controller.cli.main

        controller.cli.main.main()
    except KeyboardInterrupt:
        sys.exit(130)
