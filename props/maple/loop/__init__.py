"""The checked loop: draws, model, comparison and the way to a kernel's tree, for Cython to compile."""

from mapleproof.impl import compiled

compiled.choose()
