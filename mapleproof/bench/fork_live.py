"""The same "spawn" on the running kernel: a small process makes real mappings, then forks and waits.

It runs in a process of its own, so that this one's memory does not count. Neighbouring mappings get
different protections, or the kernel would merge them.
"""

import subprocess
import sys

SPAWN = """
import ctypes, os, sys, time
count, seconds = int(sys.argv[1]), float(sys.argv[2])
libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long]
libc.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
base = libc.mmap(None, 4096 * (count + 1), 1, 0x22, -1, 0)
for k in range(1, count, 2):
    if libc.mprotect(base + 4096 * k, 4096, 3):
        sys.exit(1)
best, end, rounds = 1e9, time.perf_counter() + seconds, 0
while rounds < 3 or time.perf_counter() < end:
    start = time.perf_counter()
    child = os.fork()
    if not child:
        os._exit(0)
    os.waitpid(child, 0)
    best = min(best, time.perf_counter() - start)
    rounds += 1
print(10 / best)
"""
LONGEST = 60
"""Seconds after which it is given up."""


def forks_of_kernel(vmas: int, seconds: float) -> float | None:
    """Forks in ten seconds of a process with so many mappings more than an idle interpreter has; None where
    this kernel does not allow as many, or is no Linux."""
    if not sys.platform.startswith("linux"):
        return None
    command = [sys.executable, "-I", "-S", "-c", SPAWN, str(vmas), str(seconds)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=LONGEST + seconds, check=True)
        return float(done.stdout)
    except (subprocess.SubprocessError, OSError, ValueError):
        return None
