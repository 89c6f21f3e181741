"""What to break, line by line: at least one sabotage for each guard line, and the check that must turn.

A line is the exact text in its file, and there is no other like it; `instead` is what replaces it, and nothing else of
the file changes.  The check is a test by pytest's name for it, the fastest that has to notice.
"""

from __future__ import annotations

from scenarios.sabotages import (
    access_tokens,
    app,
    asking,
    calls,
    certs,
    edge,
    headers,
    idp_clients,
    idp_grants,
    idp_manage,
    idp_pages,
    idp_resource,
    idp_tokens,
    patterns,
    policy,
    rolling,
    server,
    shop,
    stories,
    transport,
    users,
)
from scenarios.sabotages.sabotage import Sabotage

SABOTAGES: tuple[Sabotage, ...] = (
    *patterns.SABOTAGES,
    *policy.SABOTAGES,
    *headers.SABOTAGES,
    *access_tokens.SABOTAGES,
    *asking.SABOTAGES,
    *users.SABOTAGES,
    *transport.SABOTAGES,
    *calls.SABOTAGES,
    *server.SABOTAGES,
    *app.SABOTAGES,
    *shop.SABOTAGES,
    *edge.SABOTAGES,
    *idp_grants.SABOTAGES,
    *idp_resource.SABOTAGES,
    *idp_clients.SABOTAGES,
    *idp_tokens.SABOTAGES,
    *idp_pages.SABOTAGES,
    *idp_manage.SABOTAGES,
    *certs.SABOTAGES,
    *rolling.SABOTAGES,
    *stories.SABOTAGES,
)
__all__ = ["SABOTAGES", "Sabotage"]
