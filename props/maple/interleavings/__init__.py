"""Readers beside a writer, at every point, on a kernel's own tree: scenarios, how they are drawn, searched
and replayed."""
