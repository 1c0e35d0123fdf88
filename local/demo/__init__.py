"""`make demo`: the journey on real parts, headless, each step with what was seen.

`service` registers an app at the third-party service and reads its log, `journey` walks through
the product's HTTP API, `wire_tap` learns every secret on the way to the token endpoint, so that
`sweep` can look for them where none may lie. The steps stand in modules named after chapters.
"""
