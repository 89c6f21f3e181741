"""The identity provider: it logs people in, and issues the tokens that the services believe.

One specification, one small module.  Authlib brings the frame (which grant is asked for, how an error looks on the
wire); every rule that a token's safety hangs on is written out here.  To follow one grant from request to token, read
`code` and then `tokens`.

    app                  the table of contents
    settings, store      what we are told, what we keep; prepared, changes: how it is asked at once; sweeping: what goes
    answers              the headers of all that we say; pages: how it looks
    clients, client_auth who may ask (RFC 6749 §2), and how they prove it; mtls: by certificate (RFC 8705)
    door                 what a request must look like before any rule is applied to it
    login                the log-in page, the browser's session
    authorize            the front channel (RFC 6749 §4.1.1, OpenID Connect Core §3.1.2, RFC 9207)
    code, pkce           the code grant (RFC 6749 §4.1, RFC 7636); openid: its ID token (OpenID Connect Core §3.1.3)
    refresh, client_credentials, exchange      the other grants (RFC 6749 §6, §4.4; RFC 8693)
    resource             where a token may be used (RFC 8707)
    tokens, keys         what is issued (RFC 6750, RFC 9068), and signed with (RFC 7517); key_files: how keys change
    introspect, revoke, userinfo, logout       asking about it, and taking it back (RFC 7662, RFC 7009, OpenID Connect)
    metadata             all of this, told to machines (RFC 8414)
    manage               a second door, for tests alone and off unless asked for: people, faults, keys, clock, journal
    fixture, visit       for somebody else's tests: `with idp.running() as issuer:`; lending, lent: its process

What other people's tests use is looked up when first used: the process itself needs none of it.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from idp.fixture import Issuer, running
    from idp.lending import CannotStart, load_ahead

__all__ = ["CannotStart", "Issuer", "load_ahead", "running"]


def __getattr__(name: str) -> object:
    """Import what is asked for, when it is asked for (PEP 562)."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module("idp.fixture" if name in {"Issuer", "running"} else "idp.lending"), name)
