"""Writes the line by which a room reads of a call: who called what, with what, and how it ended. Pure.

Arguments and results are words of agents and tools: they are shortened to one printable line of JSON.
"""

from __future__ import annotations

from typing import Any

from gateway.protocol import codec
from gateway.protocol.text.printable_text import escape_json, shorten_line
from gateway.protocol.tool_calls.tool_call_types import CallOfTool, CallState
from gateway.protocol.types.timestamps import seconds_from_iso

MAX_SHOWN_CHARS = 160


def call_line(call: CallOfTool) -> str:
    """`ada called calc add {"a":2,"b":3} (#12): 5 (0.1 s)`"""
    arguments = f" {_json_line(call.arguments)}" if call.arguments else ""
    return f"{call.by} called {call.tool} {call.operation}{arguments} (#{call.number}): {_end_text(call)}"


def _end_text(call: CallOfTool) -> str:
    match call.state:
        case CallState.ANSWERED:
            took = seconds_from_iso(call.ended) - seconds_from_iso(call.at)
            return f"{_json_line(call.result)} ({took:.1f} s)"
        case CallState.FAILED:
            return f"failed: {_json_line(call.error)}"
    return call.error


def _json_line(value: Any) -> str:
    return shorten_line(escape_json(codec.encode(value).decode()), MAX_SHOWN_CHARS)
