"""C as clang reads it: LLVM IR as text is read, and executed over z3's words on the path engine.

types.py       types, their sizes and the places of their members
tokens.py      the text as tokens; types and operands
instructions.py  one instruction
module.py      a compiled unit: its functions, global variables, loops; several of them as one program
arithmetic.py  what instructions calculate, over plain integers and z3's words
memory.py      flat memory: blocks of bytes at known addresses
variables.py   the initial contents of global variables
machine.py     the executor; intrinsics.py, what the compiler itself provides
cuts.py        loops by invariant
"""
