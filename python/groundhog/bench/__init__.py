"""Measurements of the restore and of the request beside it: programs, not tests."""
