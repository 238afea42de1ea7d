"""Types each waiting message into the agent exactly once, proves that the agent read it, and posts its answer.

When a message may be typed is decided in `sidecar/prompt_typing/typing_gate.py`.
"""
