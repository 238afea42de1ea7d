"""What the search by meaning asks of an embedding model, wherever it runs, and how a model fails."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from gateway.protocol.errors import Unavailable

MAX_TEXT_CHARS = 2000  # of a longer message the beginning is read
MAX_DIMENSIONS = 8192


class EmbeddingFailed(Unavailable):
    """The model gave no vectors, and why."""


class TextRefused(EmbeddingFailed):
    """The model does not take these texts: one of them is too long for it, most often."""


class Embedder(Protocol):
    @property
    def model(self) -> str:
        """The name of the model. Vectors of two names are never compared."""
        ...

    async def embed(self, texts: Sequence[str], within_s: float) -> list[bytes]:
        """One packed vector for each text. EmbeddingFailed if the model does not give them in time."""
        ...
