"""The third-party service of the local stack: an OAuth 2.0 authorization server with a login page.

Run it as ``python -m local.authorization_server --port 0 --name "Harbor CRM"``. It binds to
127.0.0.1, prints ``{"port": N}`` on one line when it is ready, and ends with its parent or when
its stdin reaches EOF. Its issuer is ``http://login.localhost:N``; every endpoint also answers on
``http://127.0.0.1:N``, where alone the control interface for tests lives (see ``control``).

Everything is invented: the two people (alice and bob, their passwords stand on the login page)
and the service. All state is in memory.

A walk by plain HTTP, as ``walk.py`` does it, with a cookie jar:

1. ``GET /authorize?…`` → 302 to ``/login?next=…``, or the consent page if logged in.
2. ``POST /login`` with ``username``, ``password``, ``next`` (as in the query) → 303 to ``next``.
3. ``GET`` that → the consent page.
4. ``POST`` to the same URL, query included, with ``decision`` = ``allow`` or ``deny``
   → 302 to the client's ``redirect_uri`` with ``code``, ``state``, ``iss``, or ``error``.

``POST /logout`` with ``next`` forgets the person. A POST whose ``Origin`` is foreign is refused.

Endpoints: ``/authorize``, ``/token``, ``/register``, ``/revoke``, ``/introspect``, ``/userinfo``,
``/jwks``, ``/.well-known/oauth-authorization-server``, ``/.well-known/openid-configuration``.
"""
