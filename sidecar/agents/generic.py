"""Any line-oriented program: a prompt at the cursor and silence together are idle. It proves and shares nothing."""

from __future__ import annotations

from sidecar.agents.adapter.adapter import Agent, Interrupt, Submit, rules_of

AGENT = Agent(
    name="generic",
    rules=rules_of("generic"),
    submit=Submit(pause=0.05, echoes=False),
    interrupt=Interrupt(key=b"\x03"),
    silence=0.4,
)
