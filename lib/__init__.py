"""Candlebook's library: everything that is not a page. README.md names its rooms."""
