"""Names that the command line needs before anything else of a campaign is loaded."""

LANES = ("bulk", "machine", "readers", "spaces", "live", "fork", "sweep", "layouts", "worlds", "proofs")
"""The lanes that arms are made of."""

HOLDING = ("unmap_in_place", "zero_marker_6_17", "bulk_insert")
"""The recoveries that a campaign judges unless told otherwise: those without a flaw that is known."""
