"""For all inputs: z3 executes the shipped code with symbolic words.

words.py        symbolic 64-bit words and conditions
paths.py        path enumeration: one run of the code per feasible path
patience.py     code that does not end is given up
claim.py        a claim, its twins, and how both are judged
spans.py        formulas about tables and ranges, in which claims are stated
stage.py        the stand-ins among which teardowns are executed: address spaces, trees, page tables
walks.py        what stands for the walks over any number of VMAs; walk_turns.py, walk_tables.py prove it by
                induction; loops.py: one turn of a loop
one_copy.py     a fork about to copy one VMA, for `accounting`; accounting_cases.py: its counterexamples
whole_fork.py   whole forks on the shipped machine, each request granted or refused
integers.py     symbolic indices; slots.py, shapes.py, tree_stage.py, stores.py: trees little is known of
one_leaf.py     one leaf and a store in it; rebuilds.py: splits, levelling out; requests.py: nodes refused
kernel_cuts.py  where the kernel cuts a node
planted.py      trees without symbolic inputs
cases.py        counterexamples as cases; layouts.py, tree_cases.py: how they are made of inputs
emitted.py      final queries as SMT-LIB 2, and another solver's answers
growth.py       how the time grows
registry.py     all claims by name
prove.py        many claims, as `mapleproof prove` runs them
command.py      that command
NAME.py         one claim each, a script of its own: python -m proofs.NAME
"""
