"""The product behind `sam local`: the built functions in containers of Lambda's own image.

`engine` finds Docker or Podman, `templates` writes the template that `sam local` runs, `command`
runs it, and `deployment` is what comes of it: met over HTTP like the local stack's own. The
services and third parties are the local stack's. `make sam-local` walks the demo's journey.
"""
