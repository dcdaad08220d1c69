"""`python -m mapleproof` is the command."""

from mapleproof.cli.cli import main

if __name__ == "__main__":
    main()
