"""What one worker refreshes in a second, and what that costs it. ``make bench-refresh`` runs it.

The worker is the product's own flow in a process of its own; the AWS services and the token
endpoint are processes beside it, so that their time is not ours. What is measured goes into
``benchmarks/measured.json`` with ``--write``, from which ``benchmarks.fleet`` reckons.
"""
