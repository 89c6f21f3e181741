"""Reset: no fault, no journal, the clock right, people and clients as provisioned.

What was revoked stays revoked, and the keys stay as they are: nobody has to care which one signs, and a key that was
withdrawn must not come back.
"""

from __future__ import annotations

from idp.manage import clients, clock, faults, journal, people, revoke
from idp.manage.operations import operation
from idp.manage.shapes import Time
from idp.provider import Provider


@operation("POST", "/reset")
def reset(provider: Provider) -> Time:
    """Start anew."""
    with provider.store.writing() as connection:
        faults.reset(connection)
        journal.reset(connection)
        clients.reset(connection)
        clock.reset(connection)
    for name in people.reset(provider.settings):
        revoke.all_of_user(provider, name)  # or a namesake would inherit it
    return clock.read(provider)
