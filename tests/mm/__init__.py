"""Fork, its failure points, and every way to recover from them."""
