"""`GET /docs`: the addresses of the REST interface on one page, which loads nothing from elsewhere. Pure."""

from __future__ import annotations

import html
from collections.abc import Iterable
from typing import NamedTuple

_STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;max-width:50em;margin:2em auto;padding:0 1em}"
    "td{padding:.3em 1em .3em 0;vertical-align:top}code{white-space:nowrap}"
)


class DocumentedRoute(NamedTuple):
    method: str
    path: str
    about: str


def build_api_page(routes: Iterable[DocumentedRoute]) -> str:
    rows = "\n".join(
        f"<tr><td><code>{one.method}</code></td><td><code>{html.escape(one.path)}</code></td>"
        f"<td>{html.escape(one.about)}</td></tr>"
        for one in routes
    )
    return (
        f"<!doctype html><meta charset=utf-8><title>Skynet interface of llm-groupchat</title><style>{_STYLE}</style>"
        "<h1>Skynet interface of llm-groupchat</h1>"
        "<p>WebSocket: <code>/ws?agent_id=ID&amp;agent_type=TYPE&amp;channels=A,B&amp;priority=5</code>. "
        "A token goes into <code>Authorization: Bearer</code>, <code>X-Auth-Token</code>, <code>?token=</code> or "
        "<code>/t/TOKEN</code> before the path.</p>"
        f"<table>\n{rows}\n</table>"
    )
