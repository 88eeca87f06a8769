"""Quotes and trades, and the candles made of them."""
