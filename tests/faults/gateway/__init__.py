"""Fault runs through the gateway: the real runtime loop, held to its policies, on real processes.

moto serves one request at a time, so that its conditional writes are atomic here. Time passes by
making the stored rows older. What happens in the middle of a refresh happens at exactly one of
its requests: ``points`` names them, the guard and the token door are where they pass.
"""
