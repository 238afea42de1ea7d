"""Antigravity's CLI, `agy`: known from public documents alone, and never tried, since no package has the program.

Its rules file says everything, as for an agent of a user's own; `groupchat record --kit agy` makes recordings of it.
Since release 1.4 it tells its terminal its state (OSC 7501) if the terminal says that it understands.
"""

from __future__ import annotations

from dataclasses import replace

from sidecar.agents.adapter.adapter import Adapter, load_built_in_rules
from sidecar.agents.adapter.rules_file_adapter import adapter_from_file
from sidecar.evidence.escape_sequences import STATUS_PROBE
from sidecar.screen.rules_loader import built_in_rules_file, lint_or_refuse, read_rules_text

NAME = "agy"


def _adapter_of_its_rules() -> Adapter:
    text = read_rules_text(built_in_rules_file(NAME))
    return adapter_from_file(lint_or_refuse(text, f"{NAME}.toml"), load_built_in_rules(NAME), None)


ADAPTER = replace(_adapter_of_its_rules(), probe=STATUS_PROBE, silence=1.0)
