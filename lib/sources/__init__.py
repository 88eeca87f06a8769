"""Where candles come from: one file per provider, one transport, one registry."""

from lib.sources.base import Page, Recent, Source

__all__ = ["Page", "Recent", "Source"]
