"""For all inputs: z3 executes the shipped code with symbolic words.

words.py        symbolic 64-bit words and conditions
paths.py        path enumeration: one run of the code per feasible path
claim.py        a claim, its twins, and how both are judged
spans.py        formulas about tables and ranges, in which claims are stated
stage.py        the stand-ins among which teardowns are executed: address spaces, trees, page tables
registry.py     all claims by name
prove.py        many claims, as `mapleproof prove` runs them
command.py      that command
NAME.py         one claim each, a script of its own: python -m proofs.NAME
"""
