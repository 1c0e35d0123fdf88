"""A fleet of connections, simulated: does the schedule keep up, and what does that cost?

Virtual time, no randomness at run time: connections with the same server, the same due moment and
the same expiry are one cohort, a number that may have fractions. So 10⁴ and 10⁸ connections take
the same code, and nothing is sampled or scaled. When a token set is due, and how the moments
spread, is asked of the product's own rule (``broker.tokens.timing``).

``python -m benchmarks.fleet`` prints the tables of docs/performance.md.
"""
