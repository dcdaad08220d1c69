"""A picture as a page: one file that opens from disk, asks for nothing, and runs no script but its own.

What comes from a case is data in the page, JSON in which no "<" is left, and becomes text of the document
only by ``textContent``. A content security policy allows the one style sheet and the one script by hash.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any

from mapleproof.show.picture import Picture, as_data


@lru_cache
def _asset(name: str) -> str:
    return files("mapleproof.show").joinpath(name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    """What a policy calls a script or style sheet."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def json_in_page(data: Any) -> str:
    """JSON that cannot end the element it stands in, nor be taken for markup."""
    text = json.dumps(data, separators=(",", ":"))
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def page(title: str, body: str, data: Mapping[str, Any]) -> str:
    """A page: ``body`` is markup of ours, ``data`` is by element id."""
    style, script = _asset("page.css"), _asset("page.js")
    scripts = (
        f'<script type="application/json" id="{escape(name)}">{json_in_page(value)}</script>'
        for name, value in data.items()
    )
    return Template(_asset("page.html")).substitute(
        title=escape(title),
        style=style,
        style_hash=_hash(style),
        script=script,
        script_hash=_hash(script),
        body=body,
        data="\n".join(scripts),
    )


def header(headline: str, good: bool, lines: Sequence[str], lead: int = 1) -> str:
    """The head of a page; the first ``lead`` lines stand out."""
    told = "".join(
        f'<p class="lead">{escape(line)}</p>' if at < lead else f"<p>{escape(line)}</p>"
        for at, line in enumerate(lines)
    )
    return f'<header><h1 class="{"good" if good else "bad"}">{escape(headline)}</h1>{told}</header>'


def picture_page(picture: Picture) -> str:
    """The page of one case."""
    about = [*picture.told, f"{picture.name}, on the port {picture.port}; {picture.origin}"]
    body = header(picture.headline, picture.failing is None, about, len(picture.told))
    body += '<main><div class="viewer" id="case" data-from="picture" data-single="yes"></div></main>'
    return page(f"{picture.name}: {picture.headline}", body, {"picture": as_data(picture)})


def write_page(path: Path, text: str) -> None:
    """Write a page."""
    path.write_text(text, encoding="utf-8")
