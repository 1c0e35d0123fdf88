"""An exhaustive search through the refresh protocol; its transitions are the code's own.

Actors run the real code. At each request to a table, a queue, the key service or the authorization
server the run is cut off, and the search decides when and how it is answered; the code is run
again from its start with the answers so far. See docs/model.md.
"""
