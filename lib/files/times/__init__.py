"""Texts and counts to UTC, decided over the whole column."""
