"""An outcome as JUnit's XML, which CI servers read."""

from __future__ import annotations

import re
from xml.etree import ElementTree

from mapleproof.cli.outcome import Item, Outcome, State

UNPRINTABLE = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML cannot hold."""

ELEMENTS = {
    State.BROKEN: ("failure", "broken"),
    State.MENDED: ("failure", "held"),
    State.KNOWN: ("skipped", "xfail"),
    State.OPEN: ("skipped", "no answer"),
    State.FAILED: ("error", "suite"),
    State.ABSENT: ("skipped", "not of this kernel"),
}


def junit(outcome: Outcome, command: str) -> bytes:
    """The outcome of a command such as "check"."""
    suite = ElementTree.Element("testsuite", name=f"mapleproof {command}")
    kinds = [ELEMENTS[item.state][0] for item in outcome.items if item.state in ELEMENTS]
    suite.set("tests", str(len(outcome.items)))
    for kind, counted in (("failure", "failures"), ("error", "errors"), ("skipped", "skipped")):
        suite.set(counted, str(kinds.count(kind)))
    suite.set("time", f"{outcome.seconds:.3f}")
    for item in outcome.items:
        suite.append(_case(item, command))
    whole = ElementTree.Element("testsuites")
    whole.append(suite)
    ElementTree.indent(whole)
    return bytes(ElementTree.tostring(whole, encoding="utf-8", xml_declaration=True)) + b"\n"


def _case(item: Item, command: str) -> ElementTree.Element:
    named = {"classname": f"mapleproof.{command}.{item.group}", "name": item.name}
    case = ElementTree.Element("testcase", {key: _plain(value) for key, value in named.items()})
    case.set("time", f"{item.seconds:.3f}")
    if item.state in ELEMENTS:
        kind, word = ELEMENTS[item.state]
        inner = ElementTree.SubElement(case, kind, type=word, message=_plain(item.reason))
        inner.text = _plain("\n".join([*item.told, *item.commands]))
    return case


def _plain(text: str) -> str:
    return UNPRINTABLE.sub("?", text)
