"""Operations on maple trees, as data: what is done, apart from who does it.

State machines, bulk runs, counterexamples of proofs, case files and ports all speak in these. Each stands for
the kernel function of its name, with that function's argument names. Indices, sizes and limits are unsigned
64-bit; ranges and limits are inclusive. What an operation answers, who can do it and how, stands where it is
defined: in the two modules of which all operations are taken here.
"""

from mapleproof.props.maple.cursor_operations import *  # noqa: F403
from mapleproof.props.maple.tree_operations import *  # noqa: F403
