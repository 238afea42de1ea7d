"""Abilities of a vendor's agent, for tests that know it has them."""

from sidecar.agents.adapter.adapter import Adapter, HookApprovals, Hooks, StatusFormat, TranscriptFormat


def hooks_of(agent: Adapter) -> Hooks:
    assert agent.hooks is not None
    return agent.hooks


def approvals_of(agent: Adapter) -> HookApprovals:
    assert agent.approvals is not None
    return agent.approvals


def transcript_of(agent: Adapter) -> TranscriptFormat:
    assert agent.transcript is not None
    return agent.transcript


def status_of(agent: Adapter) -> StatusFormat:
    assert agent.status is not None
    return agent.status
