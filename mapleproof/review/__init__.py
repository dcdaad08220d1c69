"""The review of a patch: what does this change, where is it wrong, what does it cost?

trees.py     both sides as folders: commits of a git tree, patches, or two trees
gitwork.py   git, in a way that leaves the user's repository as it is
code.py      which functions a change touches, as text and as machine code, and what reaches them
sides.py     both sides under the main job; every case of one is carried out on the other
beside.py    the same operations on both: answers, nodes, instructions
proofs.py    claims about the C of both sides
forks.py     kernels of both sides, booted: their forks fail at every request
booting.py   which steps are booted, and why not
of_v4.py     the recoveries of the past as a series of patches, to try a review on
of_ten.py    changes of the tree between 6.12 and 7.3, likewise
power.py     one-line mistakes in the lines that were added: which of them are noticed
own.py       a change of our own sources, with own_code.py, own_sides.py, own_lot.py
review.py    all of it, in the order in which it answers most
result.py    what came of it
letter.py    the review as a mail
"""
