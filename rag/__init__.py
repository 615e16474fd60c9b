"""Ask a record of documents and get answers whose every statement is cited to the sentence it comes from."""

__version__ = "0.1.0"
