"""A guest's address spaces: which VMAs of an agent lie behind its stack."""

from mapleproof.impl.kernel.booted.spaces import behind_stack

UM = """\
00400000-00401000 r-xp 00001000 00:02 3                                  /agent
7fbffdf000-7fc0000000 rw-p 00000000 00:00 0                              [stack]
7fffffe000-7ffffff000 r-xp 00000000 00:00 0                              [vdso]
"""
X86 = """\
7ffca3b5c000-7ffca3b7d000 rw-p 00000000 00:00 0                          [stack]
7ffca3bd5000-7ffca3bd9000 r--p 00000000 00:00 0                          [vvar]
7ffca3bd9000-7ffca3bdb000 r-xp 00000000 00:00 0                          [vdso]
ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0                  [vsyscall]
"""


def test_what_lies_behind_the_stack() -> None:
    assert behind_stack(UM) == [(0x7FFFFFE000, 0x1000)]
    assert behind_stack(X86) == [(0x7FFCA3BD5000, 0x4000), (0x7FFCA3BD9000, 0x2000)]
    assert behind_stack("00400000-00401000 r-xp 00001000 00:02 3 /agent\n") == []
