"""What the tests start finds itself where a person would start it; what one test changes is not there for the next."""

import logging
import os
import signal
from collections.abc import Iterator

import pytest
import structlog

# Gemini does not talk to a person where CI is set; a job in the background of a shell starts with Ctrl-C ignored.
os.environ.pop("CI", None)
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def logs_as_they_were() -> Iterator[None]:
    """A gateway or a sidecar that a test starts in its own process sets up the logs of all of it."""
    handlers, level = logging.root.handlers[:], logging.root.level
    yield
    structlog.reset_defaults()
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)
