"""Layouts of instrument files, as data: readers and the synthetic writers share them."""


class BadTable(ValueError):
    """A file that is not the table it should be; the message names file, byte or row, and the remedy."""


class BadImage(ValueError):
    """A file that is not the image it should be; the message names file and keyword, and the remedy."""


__all__ = ["BadImage", "BadTable"]
