"""What the checked loop raises."""


class Differs(Exception):
    """The two sides do not agree."""
