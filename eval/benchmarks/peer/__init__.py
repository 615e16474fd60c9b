"""What a user would pick, each set up as its own documentation says, and this program; each runs in its own process."""
