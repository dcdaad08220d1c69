"""A kernel's sources, built and booted: a guest of its own, whose real forks fail at every request."""
