"""Fork and address spaces side by side, on the model, ours and the running kernel."""
