"""Qwen Code. It was never tried with the real program.

What its screen means is in `rules/qwen.toml`; `activity/activity_verdict.py` judges from it what the agent is doing.
"""

from __future__ import annotations

from sidecar.agents.adapter.untested_adapter import untested_adapter

ADAPTER = untested_adapter("qwen", "qwen", "qwen-code")
