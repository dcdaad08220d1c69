"""The recoveries on a booted kernel: what `docs/booted.md` says of each, on its first two scenarios."""

import pytest

from mapleproof.impl.kernel.booted import whole
from mapleproof.impl.mm.promises import CRASH, PARENT, PROMISES, ZAPPED
from mapleproof.props.mm.booted_table import NAMES, judge, main
from tests.booted.conftest import port_name

BREAKS = {
    "none": {},
    "undo_v3": {CRASH: "panic in __rb_", ZAPPED: "Bad rss-counter", PARENT: "smaps"},
    "undo_v4": {ZAPPED: "Bad rss-counter", PARENT: "smaps"},
    "open_coded": {CRASH: "panic in mapleproof_undo"},
    "unmap_in_place": {},
}


@pytest.mark.late
@pytest.mark.parametrize("name", NAMES)
def test_what_a_recovery_breaks(name: str) -> None:
    port_name(seed=name)
    judged = judge(str(whole.find(unpacks=False)), name, most=2)
    assert judged.swept.failed > 10
    broken = {promise: " ".join(found) for promise in PROMISES if (found := judged.of(promise))}
    assert broken.keys() == BREAKS[name].keys()
    for promise, what in BREAKS[name].items():
        assert what in broken[promise]


def test_a_tree_that_is_none(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["/nowhere"]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
