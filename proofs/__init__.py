"""For all inputs: z3 executes the shipped code with symbolic words.

engine/             symbolic words (words.py, integers.py), one run of the code per feasible path (paths.py,
                    patience.py, loops.py), a claim and its twins (claim.py), counterexamples as cases
                    (cases.py), final queries as SMT-LIB 2 and another solver's answers (emitted.py)
ir/                 C as clang reads it: a reader and an executor of LLVM IR
maple/              trees of which little is known (stage.py, shapes.py, slots.py, planted.py), one leaf and a
                    store in it (one_leaf.py, stores.py), splits and levelling out (rebuilds.py,
                    kernel_cuts.py), nodes refused (requests.py), their cases (cases.py)
mm/                 stand-ins for teardowns (stage.py), formulas about ranges (spans.py), walks over any
                    number of VMAs (walks.py) and the induction that proves them (walk_turns.py,
                    walk_tables.py),
                    one copy (one_copy.py), whole forks (whole_fork.py), their cases (layouts.py,
                    accounting_cases.py)
kernel/             claims about a kernel tree's own C
registry.py         all claims by name
prove.py            many claims, as `mapleproof prove` runs them
growth.py           how the time grows; growing.py: proofs of growing size, for a night
*.py                one claim each, a script of its own: python -m proofs.NAME
"""
