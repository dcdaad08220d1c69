"""mapleproof: a reference model, a maple tree and fork's dup_mmap side by side.

In a checkout `model/`, `impl/`, `props/` and `proofs/` lie at the top and are links here; installed, all lies
in this package. The tool (`cli`, `show`, `campaign`, `bench`) may import every part; no part imports it.
"""
