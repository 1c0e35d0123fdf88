"""A small chat product that uses the broker as a customer would: copy from it.

Run it as ``python -m examples.chat --broker URL``, with the region and AWS credentials in the
environment. It binds to 127.0.0.1, prints ``{"port": N}`` on one line when it is ready, and ends
when its stdin reaches EOF.

=================  =================================================================================
``broker``         the client of the broker's API: signs requests (SigV4), names its errors
``returning``      the way back from the service: whose browser is this, and who was connected
``application``    the chat's own routes, its session cookie and security headers
``sessions``       who is signed in, and what the session has started
``agent``          a stand-in for the language model: one sentence → one tool call
``answers``        the broker's answers and errors, as the chat page shows them
=================  =================================================================================

Two things are simpler than in a product: sessions live in memory (so one process serves them), and
one signs in by picking one of three invented people.
"""
