"""A night of checking, on one machine or on many: what `mapleproof campaign` runs.

arms      what budget is given to: a lane on a port, growing worlds, growing proofs
lots      small tasks of an arm; carried out in a process of its own (child, worker)
budget    which arm is next
farm      lots on Dask distributed
ledger    what was done and found, in the campaign's folder
findings  from what was met to the smallest case of each sort
campaign  the loop
view, page, status: what people see
"""
