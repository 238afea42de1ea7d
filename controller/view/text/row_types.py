"""What a painted row is made of: styles and texts, in the toolkit's own form."""

from __future__ import annotations

Fragment = tuple[str, str]
Row = tuple[Fragment, ...]
