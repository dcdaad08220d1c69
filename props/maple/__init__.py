"""The tree side by side: operations, rules of use, ports, lanes."""
