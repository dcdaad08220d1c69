"""What `mapleproof show` makes of some cases, kept as files; `python -m tests.show.snapshots` makes them."""

import json
from pathlib import Path

from mapleproof.show.gallery import PAGES, picture
from mapleproof.show.picture import as_data
from mapleproof.show.terminal import lines_of

FOLDER = Path(__file__).parent / "snapshots"
GALLERY = Path(__file__).parents[2] / "docs" / "gallery"

TEXTS = tuple(shown.case for shown in PAGES)
DATA = ("search-below-the-limit", "undo-v3-page-tables", "proof-floor-forgotten")


def text(case: str) -> str:
    """The terminal's text of a page of the gallery."""
    shown = next(one for one in PAGES if one.case == case)
    return "".join(f"{line.plain.rstrip()}\n" for line in lines_of(picture(shown, GALLERY)))


def data(case: str) -> str:
    """The data behind a page, a frame a line."""
    shown = next(one for one in PAGES if one.case == case)
    whole = as_data(picture(shown, GALLERY))
    frames = whole.pop("frames")
    lines = [json.dumps(whole, indent=1), *(json.dumps(frame) for frame in frames)]
    return "\n".join(lines) + "\n"


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    for case in TEXTS:
        (FOLDER / f"{case}.txt").write_text(text(case), encoding="utf-8")
    for case in DATA:
        (FOLDER / f"{case}.json").write_text(data(case), encoding="utf-8")


if __name__ == "__main__":
    main()
