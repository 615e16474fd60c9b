"""Evidence -> draft -> cited answer."""
