"""The main job: what is tried, on which ports, and what became of it."""
