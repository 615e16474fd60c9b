"""The HTTP surface: the API, its specification, and the pages of documents."""
