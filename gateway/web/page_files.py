"""The files of the page, read once from the package: compressed, at an address that changes with their content."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

PAGE_FOLDER = Path(__file__).with_name("page")
INDEX = "index.html"
VERSION_MARK = "{version}"
PRELOADS_MARK = "{preloads}"
VERSION_CHARS = 12
MEDIA_TYPES: Mapping[str, str] = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".webmanifest": "application/manifest+json",
    ".txt": "text/plain; charset=utf-8",
}


@dataclass(frozen=True)
class PageFile:
    content: bytes
    compressed: bytes
    media_type: str
    etag: str

    @staticmethod
    def of(content: bytes, media_type: str) -> PageFile:
        etag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
        return PageFile(content, gzip.compress(content, 9, mtime=0), media_type, etag)


@dataclass(frozen=True)
class PageFolder:
    """`files` by their path in the folder. `version` is a hash of all of them: the address of a file holds it, so that
    a browser may keep a file for ever and never mixes two versions."""

    version: str
    index: PageFile
    files: Mapping[str, PageFile]


@cache
def page_in(folder: Path) -> PageFolder:
    """Files of other types, such as VERSIONS, are not served."""
    read = {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.suffix in MEDIA_TYPES and path.is_file()
    }
    version = hashlib.sha256(
        b"".join(name.encode() + b"\0" + hashlib.sha256(content).digest() for name, content in read.items())
    ).hexdigest()[:VERSION_CHARS]
    text = read.pop(INDEX).decode().replace(PRELOADS_MARK, preload_links(read)).replace(VERSION_MARK, version)
    files = {name: PageFile.of(content, MEDIA_TYPES[Path(name).suffix]) for name, content in read.items()}
    return PageFolder(version, PageFile.of(text.encode(), MEDIA_TYPES[".html"]), files)


def preload_links(names: Iterable[str]) -> str:
    """Names all modules at once. A browser would else learn of each only from the module that imports it, and a phone
    would wait for one answer after another."""
    modules = (name for name in names if name.endswith(".js"))
    return "\n    ".join(f'<link rel="modulepreload" href="/web/{VERSION_MARK}/{name}">' for name in modules)
