"""What one test changes of the process is not there for the next."""

from collections.abc import Iterator

import pytest
import structlog


@pytest.fixture(autouse=True)
def logs_as_they_were() -> Iterator[None]:
    """A gateway or a sidecar that a test starts in its own process sets up the logs of all of it."""
    yield
    structlog.reset_defaults()
