"""Who makes operations for trees: the bulk lane, the state machines, tiny worlds, real address spaces."""
