"""The chat window: thin; it calls the same `Pipeline` as the API and holds no answering logic."""
