"""Names that a command line needs before anything that they stand for is loaded."""

CHECK_LANES = (
    "canaries",
    "bulk",
    "machine",
    "readers",
    "interleavings",
    "threads",
    "tiny",
    "spaces",
    "histories",
    "fork",
    "live",
    "booted",
)
"""The parts of `mapleproof check`, as `mapleproof.props.job.units.LANES` has them."""

CAMPAIGN_LANES = (
    "bulk",
    "machine",
    "readers",
    "interleavings",
    "spaces",
    "live",
    "fork",
    "sweep",
    "layouts",
    "worlds",
    "proofs",
)
"""The parts of `mapleproof campaign`, of which its arms are made."""
