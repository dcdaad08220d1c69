"""The engine: code executed with symbolic words, path by path."""
