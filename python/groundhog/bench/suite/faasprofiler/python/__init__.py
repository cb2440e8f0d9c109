"""The functions in Python; each is loaded from its file."""
