"""Address spaces of the running kernel, beside the reference and the implementation."""
