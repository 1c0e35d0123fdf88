"""moto's server as a child process; prints `{"port": N}` and serves one request at a time.

Not in threads: moto's conditional writes are not atomic under them.
"""

from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from werkzeug.serving import make_server

from local.lifetime import announce, end_with_parent


def main() -> None:
    """Serve until the parent goes."""
    end_with_parent()
    app = DomainDispatcherApplication(create_backend_app)
    server = make_server("127.0.0.1", 0, app, threaded=False, request_handler=MotoRequestHandler)
    announce(server.port)
    # The heaviest import of all, while the parent is still busy with its template.
    import moto.cloudformation.models  # noqa: F401 - see above

    server.serve_forever()


if __name__ == "__main__":
    main()
