"""Any line-oriented program: it is idle when a prompt is at the cursor and it is silent. It proves and shares nothing.

What a prompt looks like is in `rules/generic.toml`; `activity/activity_verdict.py` judges from it what the program is
doing.
"""

from __future__ import annotations

from sidecar.agents.adapter.adapter import Adapter, InterruptMethod, SubmitMethod, load_built_in_rules

ADAPTER = Adapter(
    name="generic",
    rules=load_built_in_rules("generic"),
    submit=SubmitMethod(pause=0.05, echoes=False),
    interrupt=InterruptMethod(key=b"\x03"),
    silence=0.4,
)
