"""What a vendor's agent can, where a test is sure that it can."""

from sidecar.agents.adapter.adapter import Adapter, Approvals, Hooks, Status, TranscriptFile


def hooks_of(agent: Adapter) -> Hooks:
    assert agent.hooks is not None
    return agent.hooks


def approvals_of(agent: Adapter) -> Approvals:
    assert agent.approvals is not None
    return agent.approvals


def transcript_of(agent: Adapter) -> TranscriptFile:
    assert agent.transcript is not None
    return agent.transcript


def status_of(agent: Adapter) -> Status:
    assert agent.status is not None
    return agent.status
