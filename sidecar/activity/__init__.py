"""Decides whether the agent is busy, idle or asking: `activity_verdict.py`, from what `sidecar/agents/rules/NAME.toml`
says about its screen.
"""
