"""How the house is built, measured: `python -m tests.structure [CHECKOUT]`; `--write` draws docs/layers.svg.

A room is a folder with code. Its floors are the longest chain of imports from file to file among its own. A
circle is files, or rooms, each of which needs all others first. Imports within functions and for type
checkers alone are left out, but for the second count of circles.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

PACKAGE = "mapleproof"
PARTS = ("model", "impl", "props", "proofs", PACKAGE)
ROOT = Path(__file__).parents[1]

Graph = Mapping[str, frozenset[str]]
"""What each module, or room, imports."""


@dataclass(frozen=True, slots=True)
class House:
    """The modules of a checkout by name, with their files, and what each imports: ``early`` when it is
    loaded, ``ever`` at any time or for a type checker."""

    root: Path
    files: Mapping[str, Path]
    early: Graph
    ever: Graph

    def rooms(self) -> dict[str, list[str]]:
        """The modules in each room."""
        found: dict[str, list[str]] = {}
        for name, path in self.files.items():
            found.setdefault(room_of(name, path), []).append(name)
        return found

    def room_graph(self) -> Graph:
        """Which room needs which."""
        where = {name: room for room, names in self.rooms().items() for name in names}
        return {
            room: frozenset(where[other] for name in names for other in self.early[name]) - {room}
            for room, names in self.rooms().items()
        }


def room_of(name: str, path: Path) -> str:
    """The room of a module: its package."""
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    return package.removeprefix(f"{PACKAGE}.") or PACKAGE


def read(root: Path) -> House:
    """The house in a checkout; one in which the parts are packages of their own can be read too."""
    inside = (root / PACKAGE / PARTS[0]).exists()
    files: dict[str, Path] = {}
    for part in PARTS:
        for path in sorted((root / part).rglob("*.py")):
            # what lies behind a link in the package is read at its own place
            if part == PACKAGE and path.relative_to(root / part).parts[0] in (*PARTS, "tests"):
                continue
            names = [*path.relative_to(root).with_suffix("").parts]
            names = names[:-1] if names[-1] == "__init__" else names
            files[".".join([PACKAGE, *names] if inside and part != PACKAGE else names)] = path
    early, ever = {}, {}
    for name, path in files.items():
        tree = ast.parse(path.read_text(encoding="utf-8"))
        early[name] = frozenset(_imported(tree, files, late=False)) - {name}
        ever[name] = frozenset(_imported(tree, files, late=True)) - {name}
    return House(root, files, early, ever)


def _imported(node: ast.AST, known: Mapping[str, Path], *, late: bool) -> Iterator[str]:
    for inner in ast.iter_child_nodes(node):
        if isinstance(inner, ast.Import):
            yield from (alias.name for alias in inner.names if alias.name in known)
        elif isinstance(inner, ast.ImportFrom) and inner.module and not inner.level:
            for alias in inner.names:
                whole = f"{inner.module}.{alias.name}"
                name = whole if whole in known else inner.module
                if name in known:
                    yield name
        elif late or not (_is_for_types(inner) or isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef)):
            yield from _imported(inner, known, late=late)


def _is_for_types(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def circles(graph: Graph) -> list[frozenset[str]]:
    """The sets of those that need each other."""
    reached = {one: reachable(graph, one) for one in graph}
    found = {frozenset({one} | {other for other in reached[one] if one in reached[other]}) for one in graph}
    return sorted((circle for circle in found if len(circle) > 1), key=lambda circle: sorted(circle))


def reachable(graph: Graph, start: str) -> set[str]:
    """All that one needs, directly or not."""
    seen: set[str] = set()
    todo = [*graph[start]]
    while todo:
        one = todo.pop()
        if one not in seen:
            seen.add(one)
            todo += graph[one]
    return seen


def floors(graph: Graph, among: Iterable[str]) -> int:
    """The longest chain among these, in which a circle counts as one."""
    of = {one: circle for circle in circles(graph) for one in circle}
    names = frozenset(among)

    @cache
    def height(circle: frozenset[str]) -> int:
        below = {
            of.get(other, frozenset({other})) for one in circle for other in graph[one] if other in names
        }
        return 1 + max((height(other) for other in below if other != circle), default=0)

    return max((height(of.get(one, frozenset({one}))) for one in names), default=0)


def lines_of(house: House) -> int:
    """Lines of code, comments and texts."""
    return sum(len(path.read_text(encoding="utf-8").splitlines()) for path in house.files.values())


def told(house: House) -> Iterator[str]:
    """The measures, a line each."""
    rooms, room_graph = house.rooms(), house.room_graph()
    in_circles = sum(len(circle) for circle in circles(room_graph))
    fullest = max(rooms, key=lambda room: len(rooms[room]))
    highest = max(rooms, key=lambda room: floors(house.early, rooms[room]))
    yield f"{'files':36}{len(house.files)}"
    yield f"{'lines':36}{lines_of(house)}"
    yield f"{'rooms':36}{len(rooms)}"
    yield f"{'most files in a room':36}{len(rooms[fullest])}  {fullest}"
    yield f"{'most floors in a room':36}{floors(house.early, rooms[highest])}  {highest}"
    for part in PARTS:
        names = [name for name, path in house.files.items() if path.is_relative_to(house.root / part)]
        yield f"{f'floors of {part}':36}{floors(house.early, names)}"
    yield f"{'circles of files when loaded':36}{len(circles(house.early))}"
    yield f"{'circles of files with late imports':36}{len(circles(house.ever))}"
    yield f"{'rooms that stand in a circle':36}{in_circles}"
    for circle in circles(room_graph):
        yield f"  {', '.join(sorted(circle))}"


# The picture

WIDTH, HEIGHT, GAP, MARGIN = 160, 34, 22, 16


def picture(house: House) -> str:
    """The rooms as an SVG image: each above those that it needs, with a line where no other line says it."""
    graph = house.room_graph()
    of = {one: circle for circle in circles(graph) for one in circle}
    level = {room: floors(graph, {room} | reachable(graph, room)) for room in graph}
    for circle in circles(graph):
        level |= dict.fromkeys(circle, max(level[room] for room in circle))
    rows = {number: sorted(room for room in graph if level[room] == number) for number in set(level.values())}
    widest = max(len(row) for row in rows.values())
    width = 2 * MARGIN + widest * (WIDTH + GAP) - GAP + WIDTH
    height = 2 * MARGIN + max(rows) * (HEIGHT + 2 * GAP) - 2 * GAP
    places = {}
    for number, row in rows.items():
        # Rows are staggered, so that no line runs straight behind a box
        left = (width - len(row) * (WIDTH + GAP) + GAP) // 2 + (number % 3 - 1) * WIDTH // 3
        for at, room in enumerate(row):
            top = height - MARGIN - HEIGHT - (number - 1) * (HEIGHT + 2 * GAP)
            places[room] = left + at * (WIDTH + GAP), top
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" font-family="sans-serif"'
        ' font-size="12" text-anchor="middle">',
        "<title>The rooms of mapleproof, each above those that it imports</title>",
        f'<rect width="{width}" height="{height}" fill="white"/>',
    ]
    for room in sorted(graph):
        for below in sorted(_direct(graph, room, of)):
            (x, y), (to_x, to_y) = places[room], places[below]
            middle = WIDTH // 2
            parts.append(
                f'<line x1="{x + middle}" y1="{y + HEIGHT}" x2="{to_x + middle}" y2="{to_y}" stroke="#999"/>'
            )
    for room, (x, y) in sorted(places.items()):
        parts.append(
            f'<rect x="{x}" y="{y}" width="{WIDTH}" height="{HEIGHT}" rx="4" fill="{colour(room)}"/>'
        )
        parts.append(f'<text x="{x + WIDTH // 2}" y="{y + HEIGHT // 2 + 4}">{room}</text>')
    return "\n".join([*parts, "</svg>", ""])


def _direct(graph: Graph, room: str, of: Mapping[str, frozenset[str]]) -> set[str]:
    """What a room needs and none of the others that it needs does, its circle left out."""
    own = of.get(room, frozenset({room}))
    needed = graph[room] - own
    return {
        one
        for one in needed
        if not any(one in reachable(graph, other) for other in needed - of.get(one, frozenset({one})))
    }


def colour(room: str) -> str:
    """A colour for each part."""
    tones = {"model": "#cde8cd", "impl": "#cfe0f3", "props": "#fbe9c6", "proofs": "#ecd6ee"}
    return tones.get(room.partition(".")[0], "#e4e4e4")


if __name__ == "__main__":
    paths = [Path(argument) for argument in sys.argv[1:] if argument != "--write"]
    house = read(paths[0] if paths else ROOT)
    print("\n".join(told(house)))
    if "--write" in sys.argv:
        (ROOT / "docs" / "layers.svg").write_text(picture(house), encoding="utf-8")
