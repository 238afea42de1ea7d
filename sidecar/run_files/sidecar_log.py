"""The log of a sidecar: a file of bounded size in its private folder."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TextIO, cast

import structlog

from gateway.files.capped_log import CappedLog
from gateway.files.log_filters import RepeatFilter, hide_secrets, prepare_library_handler


def log_to_file(path: Path) -> None:
    """Logs never go onto the agent's screen. They contain states and reasons, but no content and no token."""
    file, repeats = cast(TextIO, CappedLog(path)), RepeatFilter()
    structlog.configure(
        processors=[
            repeats,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.add_log_level,
            structlog.processors.format_exc_info,
            hide_secrets,
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.WriteLoggerFactory(file=file),
    )
    handler = prepare_library_handler(logging.StreamHandler(file), repeats)
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
