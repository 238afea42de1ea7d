"""An embedding model in a folder of this machine, run by the library model2vec. No text leaves the machine.

The library is an extra, and is imported only here, when a folder is used. It also knows a hub of models on the network:
it gets a folder that exists, and is told to stay offline.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import threading
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.embedding.embedder import MAX_DIMENSIONS, MAX_TEXT_CHARS, EmbeddingFailed
from gateway.protocol.errors import BadRequest
from gateway.recall.vector_codes import pack_vector
from gateway.runtime.config import EMBED_EXAMPLE

if TYPE_CHECKING:
    from model2vec import StaticModel

LIBRARY = "model2vec"
NO_LIBRARY = (
    "A model in a folder needs a library: pip install 'llm-groupchat[embeddings]' (in a checkout: .venv/bin/pip "
    "install -r requirements-dev.lock)."
)
MODEL_FILES = ("*.safetensors", "*.json", "0_StaticEmbedding/*")
ENVIRONMENT = {"HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
PROBE_TEXT = "hello"
FINGERPRINT_DIGITS = 16


def check_model_folder(folder: Path) -> None:
    """Refuse at once what can be no model, without loading it."""
    if not folder.is_dir():
        raise BadRequest(
            f"--embed takes the address of an endpoint, such as {EMBED_EXAMPLE}, or the folder of a model, and there "
            f"is no folder {folder}."
        )
    if find_spec(LIBRARY) is None:
        raise BadRequest(NO_LIBRARY)


class ModelFolder:
    """A loaded model. Its name changes with its files, so that another model in the same folder starts over."""

    def __init__(self, folder: Path, static_model: StaticModel) -> None:
        self.model = f"{folder.name} {_fingerprint(folder)}"
        self._static_model = static_model
        self._lock = threading.Lock()  # the library changes its tokenizer while it reads texts

    async def embed(self, texts: Sequence[str], within_s: float) -> list[bytes]:
        try:
            async with asyncio.timeout(within_s):
                return await asyncio.to_thread(self._vectors_of, [one[:MAX_TEXT_CHARS] for one in texts])
        except TimeoutError:
            raise EmbeddingFailed(f"The embedding model did not answer within {within_s:g} s.") from None
        except Exception as error:  # the library and those below it raise what they like
            raise EmbeddingFailed(f"The embedding model failed ({_reason(error)}).") from error

    def _vectors_of(self, texts: list[str]) -> list[bytes]:
        with self._lock:
            found = self._static_model.encode(texts, use_multiprocessing=False)
        return [pack_vector(one) for one in found.tolist()]


async def load_model_folder(folder: Path) -> ModelFolder:
    """BadRequest if it holds no model that can be used."""
    check_model_folder(folder)
    return await asyncio.to_thread(_load, folder)


def _load(folder: Path) -> ModelFolder:
    os.environ.update(ENVIRONMENT)
    try:
        from model2vec import StaticModel  # noqa: PLC0415  an extra
    except ImportError as error:
        raise BadRequest(f"{NO_LIBRARY} ({_reason(error)})") from error
    try:
        static_model = StaticModel.from_pretrained(folder.resolve())
        dimensions = len(static_model.encode([PROBE_TEXT], use_multiprocessing=False)[0])
        if not 0 < dimensions <= MAX_DIMENSIONS:
            raise ValueError(f"it has {dimensions} dimensions")
        return ModelFolder(folder, static_model)
    except Exception as error:  # the library and those below it raise what they like
        raise BadRequest(
            f"The model in {folder} cannot be used ({_reason(error)}). The folder of a static model is needed, as "
            "model2vec saves it: model.safetensors, tokenizer.json and config.json."
        ) from error


def _reason(error: Exception) -> str:
    return " ".join(str(error).split()).rstrip(".") or type(error).__name__


def _fingerprint(folder: Path) -> str:
    found = hashlib.sha256()
    for path in sorted(one for pattern in MODEL_FILES for one in folder.glob(pattern)):
        with path.open("rb") as file:
            found.update(f"{path.name} {hashlib.file_digest(file, 'sha256').hexdigest()}\n".encode())
    return found.hexdigest()[:FINGERPRINT_DIGITS]
