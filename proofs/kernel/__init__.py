"""Claims about a kernel tree's own C, executed as clang reads it.

compiler.py, units.py   files of the tree compiled to LLVM IR, in the cache
facts.py                what the compiler says of structs and constants
subject.py              a tree that claims are made about, and edits of it
presence.py             functions that not every version has
leaves.py               a leaf in memory
registry.py             all claims by name
"""
