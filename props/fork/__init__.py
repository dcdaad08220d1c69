"""Fork, side by side: address spaces as operations, the sweep over failure points, verdicts on recoveries."""
