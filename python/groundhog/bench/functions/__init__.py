"""Functions to measure, as anybody could deploy them."""
