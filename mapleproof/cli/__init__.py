"""The command: `mapleproof --help`."""
