"""The kernel's log, read: its own alarms as findings with their kind and place, and what a fault injection
refused, by stack.

Two alarms of the same kind and place are taken for the same defect.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

_PREFIX = re.compile(r"^(?:<\d+>)?(?:\[ *\d+\.\d+\](?:\[ *[TC]\d+\])? ?)?")
_FRAME = re.compile(r"^ *(?:\[<[0-9a-f]+>\] )?(\? )?([A-Za-z_][\w.]*)\+0x[0-9a-f]+/0x[0-9a-f]+")
_PLACE = r"(?P<place>[A-Za-z_][\w.]*)\+0x"

_ALARMS = (
    ("WARN", re.compile(rf"^WARNING: .*?(?:at (?P<line>\S+:\d+)(?: {_PLACE})?)")),
    ("WARN", re.compile(r"^WARNING: (?P<line>\S+:\d+) ")),
    ("KASAN", re.compile(rf"^BUG: KASAN: (?P<what>[\w -]+?) in {_PLACE}")),
    ("KCSAN", re.compile(rf"^BUG: KCSAN: (?P<what>[\w -]+?) in {_PLACE}")),
    ("Bad rss-counter", re.compile(r"^BUG: Bad rss-counter state mm:\S+ (?P<what>.*)")),
    ("non-zero pgtables_bytes", re.compile(r"^BUG: non-zero pgtables_bytes on freeing mm: (?P<what>\d+)")),
    ("Bad page", re.compile(r"^BUG: Bad page (?P<what>\w+)")),
    ("sleeping", re.compile(r"^BUG: sleeping function called from invalid context at (?P<line>\S+)")),
    ("BUG", re.compile(r"^(?:\S+ )?kernel BUG at (?P<line>\S+:\d+)!")),
    ("BUG", re.compile(r"^BUG: failure at (?P<line>\S+:\d+)/(?P<place>\w+)\(\)!")),
    ("Oops", re.compile(r"^BUG: (?P<what>unable to handle page fault|kernel NULL pointer dereference)")),
    ("Oops", re.compile(r"^Oops: (?P<what>general protection fault)|^(?P<what2>general protection fault)")),
    ("slab", re.compile(r"^BUG (?P<place>\S+) \(.*?\): (?P<what>.*)")),
    ("list", re.compile(r"^(?P<what>list_(?:add|del) corruption)")),
    ("hung task", re.compile(r"^INFO: task (?P<what>\S+?):\d+ blocked for more than")),
    ("kmemleak", re.compile(r"^unreferenced object 0x[0-9a-f]+ \(size (?P<what>\d+)\)")),
    ("BUG", re.compile(r"^BUG: (?P<what>.*)")),
    ("panic", re.compile(r"^Kernel panic - not syncing: (?P<what>.*)")),
)
_WITHOUT_STACK = ("Bad rss-counter", "non-zero pgtables_bytes")
"""Alarms that are one line: a trace that follows is another's, in whose middle it was printed."""

_HELPERS = re.compile(
    r"^(_?printk|dump_stack.*|show_stack.*|show_regs.*|should_fail.*|fail_dump.*|__warn.*|report_bug|warn_slowpath.*|"
    r"panic|bust_spinlocks|print_(address|report).*|kasan_.*|__asan_.*|handle_bug|exc_.*|asm_exc_.*|die.*|"
    r"page_fault_oops|do_user_addr_fault|segv.*|sig_handler.*|hard_handler|um_set_signals|unblock_signals.*|"
    r"bad_page.*|notify_die|fixup_exception|relay_signal)$"
)
_ALLOCATOR = re.compile(r"^_*(kmem_cache_|k[mvz]*alloc|\w*alloc_pages|\w*folio_alloc)")
_NUMBERS = re.compile(r"0x[0-9a-f]+|\b[0-9a-f]{8,16}\b")


@dataclass(frozen=True)
class KernelAlarm:
    """One alarm: `kind`, as the kernel calls it; `place`, the function (and line) that it is in, empty where
    the log does not say; `what`, the rest of its words; `stack`, the innermost function first."""

    kind: str
    place: str
    what: str = ""
    stack: tuple[str, ...] = field(default=(), compare=False)

    @property
    def signature(self) -> tuple[str, str]:
        return (self.kind, self.place)

    def __str__(self) -> str:
        place = f" in {self.place}" if self.place else ""
        return f"{self.kind}{place}" + (f": {self.what}" if self.what else "")


@dataclass(frozen=True)
class Refused:
    """One request that was refused: by what (failslab, fail_page_alloc), and who asked, innermost first."""

    by: str
    stack: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.by}: " + " < ".join(self.stack)


def lines_of(text: str) -> list[str]:
    """The log's lines without levels and times."""
    return [_PREFIX.sub("", line) for line in text.splitlines()]


def refusals(text: str) -> list[Refused]:
    """What was refused in this part of the log, in order."""
    found: list[Refused] = []
    lines = lines_of(text)
    for number, line in enumerate(lines):
        if line.startswith("FAULT_INJECTION: forcing a failure"):
            rest = list(_until_next(lines[number + 1 :]))
            by = next((one.split()[1].rstrip(",") for one in rest if one.startswith("name ")), "")
            found.append(Refused(by, stack_of(rest)))
    return found


def hang(text: str) -> KernelAlarm:
    """How a kernel hangs whose console ends so: where it asks again and again for memory, who asks."""
    traces = "\n".join(lines_of(text)).split("Call Trace:")[-4:-1]  # the last may be cut off
    stacks = [stack_of(trace.splitlines()) for trace in traces if "should_fail" in trace]
    if len(stacks) < 3 or len(set(stacks)) > 1:
        return KernelAlarm("hang", "")
    place = next((name for name in stacks[0] if not _ALLOCATOR.match(name)), "")
    return KernelAlarm("hang", place, "asks again and again for what it is refused", stacks[0])


def _until_next(lines: Iterable[str]) -> Iterator[str]:
    """Up to the next injection or alarm."""
    for line in lines:
        if line.startswith("FAULT_INJECTION") or _match(line):
            return
        yield line


def _of_one(lines: Iterable[str]) -> Iterator[str]:
    """Up to the next injection."""
    return itertools.takewhile(lambda line: not line.startswith("FAULT_INJECTION"), lines)


def stack_of(lines: Iterable[str], most: int = 12) -> tuple[str, ...]:
    """The functions of the first call trace, without those that only report."""
    stack: list[str] = []
    for line in lines:
        found = _FRAME.match(line)
        if found is None:
            if stack and not line.startswith((" ", "[<")):
                break
            continue
        name = found[2].split(".")[0]
        if found[1] or (not stack and _HELPERS.match(name)):
            continue
        stack.append(name)
    return tuple(stack[:most])


def alarms(text: str) -> list[KernelAlarm]:
    """The alarms in this part of the log, each kind and place once. A panic that follows another alarm only
    says how that one ended."""
    found: dict[tuple[str, str], KernelAlarm] = {}
    lines = lines_of(text)
    for number, line in enumerate(lines):
        matched = _match(line)
        if matched is None:
            continue
        kind, match = matched
        groups = {key: value for key, value in match.groupdict().items() if value}
        if kind == "panic" and found:
            continue
        own = [] if kind in _WITHOUT_STACK else list(_of_one(lines[number + 1 : number + 60]))
        stack = stack_of(own)
        place = groups.get("place") or _instruction(own[:30]) or (stack[0] if stack else "")
        if "line" in groups:
            place = f"{place} ({groups['line']})" if place else groups["line"]
        what = _NUMBERS.sub("...", groups.get("what") or groups.get("what2") or "").strip()
        alarm = KernelAlarm(kind, place.split(".")[0] if "(" not in place else place, what, stack)
        found.setdefault(alarm.signature, alarm)
    return list(found.values())


def last_words(text: str) -> str:
    """The end of a console that tells why a kernel died: what comes after the last injection, if anything
    does."""
    end = text.rpartition("FAULT_INJECTION: forcing a failure")[2]
    return end if alarms(end) else text


def _match(line: str) -> tuple[str, re.Match[str]] | None:
    for kind, pattern in _ALARMS:
        if match := pattern.search(line):
            return kind, match
    return None


_RIP = re.compile(rf"^RIP: [0-9a-f]+:(?:\[<[0-9a-f]+>\] )?{_PLACE}")


def _instruction(lines: Iterable[str]) -> str:
    """The function in which the processor was, where registers are shown."""
    for line in lines:
        if found := _RIP.match(line):
            return found["place"]
    return ""
