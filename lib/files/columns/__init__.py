"""Which column is which, and the figures in them."""
