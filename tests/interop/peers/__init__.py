"""Scripts that run in the peers' own environments: standard library, `local.lifetime`, an SDK."""
