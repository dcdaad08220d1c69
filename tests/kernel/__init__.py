"""Tests of the port to a kernel's own maple tree. Skipped where there is no kernel source."""
