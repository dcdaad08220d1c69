"""Ports to real kernels: the maple tree of a kernel source tree, in a process of its own."""
