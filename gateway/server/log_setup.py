"""Configures structured logs: one JSON object per line. Logs must not contain tokens or message texts."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import TextIO, cast

import structlog
from aiohttp.http_exceptions import HttpProcessingError

from gateway.files.capped_log import CappedLog
from gateway.files.log_filters import RepeatFilter, hide_secrets, prepare_library_handler
from gateway.protocol.errors import BadRequest

MAX_LOG_BYTES = 10_000_000  # of the log file; the previous file may be as large


def configure_logging(level: str, file: Path | None = None) -> None:
    """Log to standard error, or to a file that rotates when it is full; standard error then goes to that file too."""
    target = _open_log(file) if file else sys.stderr
    repeats = RepeatFilter()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            repeats,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            hide_secrets,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        cache_logger_on_first_use=True,
        logger_factory=structlog.WriteLoggerFactory(file=target),
    )
    not_http = (HttpProcessingError,)  # a request that is not HTTP is not shown: its URL may hold a token
    handler = prepare_library_handler(logging.StreamHandler(target), repeats, not_http)
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)


def _open_log(file: Path) -> TextIO:
    try:
        return cast(TextIO, CappedLog(file, MAX_LOG_BYTES, takes=sys.stderr.fileno()))
    except OSError as error:
        raise BadRequest(
            f"The log cannot be written to {file}: {error.strerror}. Choose another file with --log-file."
        ) from None
