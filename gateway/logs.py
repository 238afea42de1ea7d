"""Structured logs: one JSON object a line. Tokens and message texts do not belong in them."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog
from aiohttp.http_exceptions import HttpProcessingError

SECRET_KEYS = frozenset({"token", "authorization", "x-auth-token", "password", "secret"})


def hide_secrets(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A last net: whatever is called a token is not written, whoever logged it."""
    for key in event:
        if key.lower() in SECRET_KEYS:
            event[key] = "(hidden)"
    return event


class OneLine(logging.Formatter):
    """What other libraries log. A request that is no HTTP is not shown: its URL may hold a token."""

    def format(self, record: logging.LogRecord) -> str:
        line = {"event": record.getMessage(), "logger": record.name, "level": record.levelname.lower()}
        if record.exc_info and record.exc_info[1] is not None:
            not_http = isinstance(record.exc_info[1], HttpProcessingError)
            line["exception"] = type(record.exc_info[1]).__name__ if not_http else self.formatException(record.exc_info)
        return json.dumps(line)


def configure(level: str) -> None:
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            hide_secrets,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        cache_logger_on_first_use=True,
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(OneLine())
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
