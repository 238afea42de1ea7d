"""What a vendor's agent can, where a test is sure that it can."""

from sidecar.agents.adapter.adapter import Agent, Approvals, Hooks, Status, TranscriptFile


def hooks_of(agent: Agent) -> Hooks:
    assert agent.hooks is not None
    return agent.hooks


def approvals_of(agent: Agent) -> Approvals:
    assert agent.approvals is not None
    return agent.approvals


def transcript_of(agent: Agent) -> TranscriptFile:
    assert agent.transcript is not None
    return agent.transcript


def status_of(agent: Agent) -> Status:
    assert agent.status is not None
    return agent.status
