"""Decides whether a message may be typed now, and what to do next with each prompt. Does no I/O; knows no gateway.

`typing_gate.py` decides; `sidecar/delivery` types, by `TerminalWriter` in `terminal_writer.py`.
"""
