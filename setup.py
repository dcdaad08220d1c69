"""Compiles the modules that `impl/compiled.py` names, where Cython and a C compiler are there to do it.

Without them all runs as it stands. Everything else about the package is in `pyproject.toml`.
"""

import os
import runpy
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

ROOT = Path("mapleproof")
COMPILED = runpy.run_path(str(ROOT / "impl" / "compiled.py"))
DIRECTIVES = {
    "annotation_typing": False,
    "boundscheck": False,
    "cdivision": True,
    "initializedcheck": False,
    "wraparound": False,
}
PROCESSORS = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class BuildInParallel(build_ext):
    """One compiler for each processor, and each compiled module says what it was made of."""

    def finalize_options(self) -> None:
        super().finalize_options()
        self.parallel = self.parallel or PROCESSORS

    def build_extensions(self) -> None:
        header = Path(self.build_temp, "made_of.h").absolute()
        header.parent.mkdir(parents=True, exist_ok=True)
        made_of = COMPILED["MADE_OF"] + COMPILED["digest"](ROOT)
        told = f'__attribute__((used)) static const char mapleproof_made_of[] = "{made_of}";\n'
        if not header.exists() or header.read_text() != told:
            header.write_text(told)
        for extension in self.extensions:
            extension.depends.append(str(header))
            extension.extra_compile_args += ["-O2", "-g0", "-include", str(header)]
        super().build_extensions()


def extensions() -> list[Extension]:
    """All that is to be compiled; nothing where Cython is not there."""
    if os.environ.get(COMPILED["PURE"], "0") not in ("", "0"):
        return []
    try:
        from Cython.Build import cythonize
    except ImportError:
        return []
    found = [
        Extension(f"{ROOT}.{name}", [f"{ROOT}/{name.replace('.', '/')}.py"], optional=True)
        for name in COMPILED["HOT"]
    ]
    for extension in found:
        extension.depends = [str(path) for path in COMPILED["sources"](ROOT)]
    cythonized: list[Extension] = cythonize(
        found,
        annotate=bool(os.environ.get("MAPLEPROOF_ANNOTATE")),
        build_dir="build/cython",
        compiler_directives=DIRECTIVES,
        language_level=3,
        nthreads=PROCESSORS,
        quiet=True,
    )
    return cythonized


setup(ext_modules=extensions(), cmdclass={"build_ext": BuildInParallel})
