"""Case files: read, written, replayed and explained."""
