"""Names that a command line needs before anything that they stand for is loaded."""

CHECK_LANES = ("bulk", "machine", "readers", "tiny", "spaces", "fork", "live")
"""The parts of `mapleproof check`, as `props.units.LANES` has them."""

CAMPAIGN_LANES = (
    "bulk",
    "machine",
    "readers",
    "spaces",
    "live",
    "fork",
    "sweep",
    "layouts",
    "worlds",
    "proofs",
)
"""The parts of `mapleproof campaign`, of which its arms are made."""

HOLDING = ("unmap_in_place", "zero_marker_6_17", "bulk_insert")
"""The recoveries that a campaign judges unless told otherwise: those without a flaw that is known."""
