"""A tiny embedding model in a folder, as model2vec saves it: words of one meaning have nearly the same vector."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from model2vec import StaticModel
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

DIMENSIONS = 64
UNKNOWN = "[UNK]"
NEARNESS = 0.1  # how far words of one meaning are from each other, where those of two are about 1.4 apart
MEANINGS = (
    ("car", "automobile", "vehicle"),
    ("doctor", "physician"),
    ("begin", "start", "commence"),
    ("lunch", "meal"),
    ("rain", "weather"),
    ("budget", "money"),
)


def save_static_model(folder: Path, meanings: Sequence[Sequence[str]] = MEANINGS, seed: int = 1) -> Path:
    """The same files on every run."""
    chance = np.random.default_rng(seed)
    words, vectors = [UNKNOWN], [np.zeros(DIMENSIONS)]
    for meaning in meanings:
        middle = chance.normal(size=DIMENSIONS)
        words += meaning
        vectors += [middle + NEARNESS * chance.normal(size=DIMENSIONS) for _ in meaning]
    tokenizer = Tokenizer(models.WordLevel({word: at for at, word in enumerate(words)}, unk_token=UNKNOWN))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    model = StaticModel(np.array(vectors, dtype=np.float32), tokenizer, normalize=True)
    model.save_pretrained(folder)
    return folder
