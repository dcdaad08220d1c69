"""The kernel's log read: alarms by kind and place, and what a fault injection refused."""

import pytest

from mapleproof.impl.kernel.booted.log import alarms, hang, refusals
from mapleproof.impl.mm.promises import COUNT, CRASH, OBSERVERS, TABLES, ZAPPED
from mapleproof.props.mm.booted_audit import name_of, promise_of

FAULT = """<5>[    1.5] FAULT_INJECTION: forcing a failure.
<5>[    1.5] name failslab, interval 1, probability 0, space 0, times -1
<4>[    1.5] Call Trace:
<4>[    1.5]  <TASK>
<4>[    1.5]  dump_stack_lvl+0x73/0x85
<4>[    1.5]  should_fail_ex.cold+0x43/0x48
<4>[    1.5]  ? kmem_cache_alloc_noprof+0x3c/0x240
<4>[    1.5]  kmem_cache_alloc_noprof+0x3c/0x240
<4>[    1.5]  anon_vma_fork+0x50/0x100
<4>[    1.5]  dup_mmap+0x118/0x7f0
<4>[    1.5]  copy_process+0xc25/0x15c0
"""


def test_a_refusal_is_told_by_its_stack() -> None:
    (refused,) = refusals(FAULT)
    assert refused.by == "failslab"
    assert refused.stack == ("kmem_cache_alloc_noprof", "anon_vma_fork", "dup_mmap", "copy_process")
    assert name_of(refused, "dup_mmap") == "anon_vma_fork"
    assert alarms(FAULT) == []


def test_each_refusal_has_its_own_stack() -> None:
    other = FAULT.replace("anon_vma_fork", "vm_area_dup").replace("failslab", "fail_page_alloc")
    assert [(one.by, one.stack[1]) for one in refusals(FAULT + other)] == [
        ("failslab", "anon_vma_fork"),
        ("fail_page_alloc", "vm_area_dup"),
    ]


@pytest.mark.parametrize(
    ("line", "kind", "place", "promise"),
    [
        (
            "WARNING: CPU: 0 PID: 7 at mm/mmap.c:9 free_pgtables+0x5/0x9",
            "WARN",
            "free_pgtables (mm/mmap.c:9)",
            CRASH,
        ),
        ("BUG: KASAN: slab-use-after-free in unuse_mm+0x5/0x9", "KASAN", "unuse_mm", OBSERVERS),
        (
            "BUG: Bad rss-counter state mm:0000000012345678 type:MM_ANONPAGES val:4",
            "Bad rss-counter",
            "",
            ZAPPED,
        ),
        ("BUG: non-zero pgtables_bytes on freeing mm: 8192", "non-zero pgtables_bytes", "", TABLES),
        (
            "kernel BUG at mm/mmap.c:1971!\nRIP: 0010:exit_mmap+0x5/0x9",
            "BUG",
            "exit_mmap (mm/mmap.c:1971)",
            COUNT,
        ),
        ("BUG: unable to handle page fault for address: 0406\nRIP: 0010:f+0x1/0x2", "Oops", "f", CRASH),
        ("list_del corruption. prev->next should be 1", "list", "", CRASH),
        ("INFO: task agent:17 blocked for more than 120 seconds.", "hung task", "", CRASH),
        ("BUG vm_area_struct (Not tainted): Poison overwritten", "slab", "vm_area_struct", CRASH),
    ],
)
def test_alarms(line: str, kind: str, place: str, promise: str) -> None:
    (alarm,) = alarms("<4>[    2.0] " + line.replace("\n", "\n<4>[    2.0] "))
    assert (alarm.kind, alarm.place) == (kind, place)
    assert promise_of(alarm) == promise


def test_a_panic_after_another_alarm_is_no_second_one() -> None:
    text = (
        "BUG: unable to handle page fault\nRIP: 0010:f+0x1/0x2\nKernel panic - not syncing: Fatal exception"
    )
    assert [alarm.kind for alarm in alarms(text)] == ["Oops"]
    assert [alarm.kind for alarm in alarms("Kernel panic - not syncing: x")] == ["panic"]


def test_what_the_kernel_says_in_peace_is_no_alarm() -> None:
    assert alarms("Linux version 6.12\nrandom: crng init done\nDEBUG: bugs are fine") == []


def test_a_kernel_that_asks_again_and_again_says_who_does() -> None:
    told = hang(FAULT * 4)
    assert str(told) == "hang in anon_vma_fork: asks again and again for what it is refused"
    assert told.stack[1:3] == ("anon_vma_fork", "dup_mmap")


def test_a_hang_of_another_kind_has_no_place() -> None:
    assert str(hang("")) == "hang"
    assert str(hang(FAULT * 2)) == "hang"
    assert str(hang(FAULT + FAULT.replace("anon_vma_fork", "vm_area_dup") + FAULT * 2)) == "hang"


@pytest.mark.parametrize("before", [0, 2])
def test_an_alarm_of_one_line_has_no_stack(before: int) -> None:
    """Whether it is printed before a refusal, or in its middle."""
    lines = FAULT.splitlines()
    line = "BUG: Bad rss-counter state mm:0000000012345678 type:MM_ANONPAGES val:4"
    (alarm,) = alarms("\n".join([*lines[:before], line, *lines[before:]]))
    assert str(alarm) == "Bad rss-counter: type:MM_ANONPAGES val:4"


def test_the_stack_of_a_later_refusal_is_not_the_alarms() -> None:
    (alarm,) = alarms("list_del corruption. prev->next should be 1\n" + FAULT)
    assert (alarm.kind, alarm.place) == ("list", "")
