"""Independent MCP servers and clients against the running product: ``python -m tests.interop``.

Each peer runs in its own environment (`environments`), which the lists of `registry` name. `taps`
stand before every server and before the product, write down what passes, and pass it on.
"""
