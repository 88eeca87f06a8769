"""Where candles come from: one file per provider, one transport, one registry.

A new provider is one module here (its addresses, a pure parser, the order of its requests), one line in
``registry``, a server that speaks its protocol in ``tests/servers``, and a test class that inherits
``tests/sources/conformance.py``.
"""

from lib.sources.base import Page, Recent, Source

__all__ = ["Page", "Recent", "Source"]
