"""What the sidecar must know about each vendor. A new agent is three things, and nothing else names it:

- one line in `gateway/client/known_agents.py`: its name, whether a team starts it by itself, whether it knows skills
- one file here, NAME.py, with its ADAPTER: how it is started, and what it reports beside its screen
- one file of rules, rules/NAME.toml: what its screen, its title and its other signals mean

The rules alone say how its idle, busy and asking are recognised; `sidecar/activity/activity_verdict.py` judges what all
its signals together mean. `adapter/` holds what the agents' files share. Recordings of it in `tests/recordings/` prove
the rules.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from importlib import import_module
from pathlib import Path

from gateway.client.discovery.rules_files import RULES_FOLDER, is_rules_path, rules_file_of, rules_files_in
from gateway.client.known_agents import KNOWN_AGENTS
from sidecar.agents.adapter.adapter import Adapter, LaunchPlan, SubmitMethod, plain_environment
from sidecar.agents.adapter.rules_file_adapter import HookStyle, adapter_from_file
from sidecar.errors import BadRules, SidecarError
from sidecar.rules_file.file_format import RulesTables
from sidecar.rules_file.linting import RulesFault, fault_at_key
from sidecar.screen.compiled_rules import compile_rules
from sidecar.screen.rules_loader import lint_or_refuse, read_rules_text

REGISTRY: dict[str, Adapter] = {name: import_module(f"{__name__}.{name}").ADAPTER for name in KNOWN_AGENTS}
FALLBACK = REGISTRY["generic"]

HOOK_STYLES = {name: HookStyle(adapter.hooks, adapter.approvals) for name, adapter in REGISTRY.items() if adapter.hooks}

__all__ = ["REGISTRY", "Adapter", "LaunchPlan", "SubmitMethod", "agent_for", "plain_environment"]


def agent_for(
    command: Sequence[str], chosen: str | None = None, state: Path | None = None, project: Path | None = None
) -> Adapter:
    """The adapter for a command, or the one that the user names: an agent of ours, or one with a rules file in the
    state folder or in the project. A file of the project counts only if it is named."""
    if chosen in REGISTRY:
        return REGISTRY[chosen]
    if chosen is not None:
        folders = [one for one in (state, project) if one]
        if path := rules_file_of(chosen, *folders):
            return load_agent_file(path)
        if is_rules_path(chosen):
            raise SidecarError(f"There is no rules file {chosen}.")
        places = " or ".join(f"{one / RULES_FOLDER / chosen}.toml" for one in folders or [Path()])
        raise SidecarError(
            f"There is no agent {chosen!r}. Known agents: {', '.join(REGISTRY)}. "
            f"Another one needs a rules file, {places}."
        )
    known = next((agent for agent in REGISTRY.values() if agent.launching.is_for(command)), None)
    return known or _agent_of_own_file(command, state) or FALLBACK


def _agent_of_own_file(command: Sequence[str], state: Path | None) -> Adapter | None:
    """The one of the user's own files that is for this command. A file with faults is for none."""
    for path in rules_files_in(state) if state else ():
        try:
            found = load_agent_file(path)
        except BadRules:
            continue
        if found.launching.is_for(command):
            return found
    return None


def load_agent_file(path: Path) -> Adapter:
    """Also for the file of an agent of ours, whose rules it then replaces."""
    text = read_rules_text(path)
    return agent_of_tables(lint_or_refuse(text, str(path)), text, path)


def agent_of_tables(tables: RulesTables, text: str, path: Path) -> Adapter:
    rules = compile_rules(tables, text, str(path), bounded=True)
    if tables.agent in REGISTRY:
        return replace(REGISTRY[tables.agent], rules=rules)
    return adapter_from_file(tables, rules, _hook_style(tables, text, path))


def _hook_style(tables: RulesTables, text: str, path: Path) -> HookStyle | None:
    if fault := hook_style_fault(tables, text):
        raise BadRules(fault.in_file(str(path)))
    return HOOK_STYLES[tables.hooks.style] if tables.hooks else None


def hook_style_fault(tables: RulesTables, text: str) -> RulesFault | None:
    if tables.hooks is None or tables.hooks.style in HOOK_STYLES:
        return None
    problem = f"must be one of {', '.join(HOOK_STYLES)}, not {tables.hooks.style!r}."
    return fault_at_key(text, "hooks", "style", problem)
