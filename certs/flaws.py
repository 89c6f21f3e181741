"""What can be wrong with a certificate: a table of cases for `forge`, each with why nobody should believe it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Literal

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, ObjectIdentifier

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
SERVER, CLIENT = ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH
KeyKind = Literal["p256", "p192", "rsa1024"]
Signer = Literal["ca", "namesake", "pretender", "itself", "sub-ca", "beside", "leaf"]
"""Our intermediate; a root of our root's name; who only says that it is our intermediate; itself; a CA below our
intermediate; one beside it, under our root, that the CA does not know of; a service."""


@dataclass(frozen=True)
class Shape:
    """What a certificate is to look like.  In texts, `{name}` and `{domain}` are filled in; None leaves out."""

    uris: tuple[str, ...] = ("spiffe://{domain}/{name}",)
    dns: tuple[str, ...] = ("{name}",)
    emails: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    san: bytes | None = None
    """The raw content of a subject alternative name, in place of all these names."""
    subject: str = "{name}"
    """The common name; there is none when it is empty."""
    begins: timedelta = -HOUR
    """Counted from now, like `ends`."""
    ends: timedelta = HOUR
    usages: tuple[ObjectIdentifier, ...] | None = (SERVER, CLIENT)
    is_ca: bool | None = False
    key: KeyKind = "p256"
    hash: Literal["sha256", "sha1"] = "sha256"
    signer: Signer = "ca"
    signs: bool | None = None
    """Whether it may sign certificates: as a CA may, unless told otherwise."""
    between: Mapping[str, Any] = field(default_factory=dict)
    """What differs in the certificate of whoever signed, where that is not the CA itself."""
    bounds: x509.NameConstraints | None = None
    """What it may vouch for: for a CA."""
    chain: bool = True
    """Whether whoever signed is shown with it."""


@dataclass(frozen=True)
class Case:
    """A certificate that nobody should believe: why, who finds out first, and what differs from a good one."""

    why: str
    noticed: Literal["chain", "host", "peer"]
    """`chain`: TLS, at both ends. `host`: who calls it as a server. `peer`: who asks for its SPIFFE ID."""
    changes: Mapping[str, Any]


def _case(why: str, noticed: Literal["chain", "host", "peer"], **changes: Any) -> Case:
    return Case(why, noticed, changes)


LOOK_ALIKES: Mapping[str, str] = {
    "longer_domain": "spiffe://{domain}.evil/{name}",
    "subdomain": "spiffe://evil.{domain}/{name}",
    "other_domain": "spiffe://evil.test/{name}",
    "dash_for_dot": "spiffe://shop-test/{name}",
    "letter_for_dot": "spiffe://shopxtest/{name}",
    "upper_case_domain": "spiffe://SHOP.TEST/{name}",
    "upper_case_scheme": "SPIFFE://{domain}/{name}",
    "upper_case_name": "spiffe://{domain}/Orders",
    "slash_at_the_end": "spiffe://{domain}/{name}/",
    "two_slashes": "spiffe://{domain}//{name}",
    "dot_segment": "spiffe://{domain}/./{name}",
    "climbing": "spiffe://{domain}/x/../{name}",
    "deeper": "spiffe://{domain}/{name}/sub",
    "percent_encoded": "spiffe://{domain}/%6frders",
    "nul_at_the_end": "spiffe://{domain}/{name}\0",
    "line_feed": "spiffe://{domain}/{name}\n",
    "query": "spiffe://{domain}/{name}?a=b",
    "fragment": "spiffe://{domain}/{name}#a",
    "port": "spiffe://{domain}:443/{name}",
    "user": "spiffe://user@{domain}/{name}",
    "no_path": "spiffe://{domain}",
    "empty_path": "spiffe://{domain}/",
    "too_long": "spiffe://{domain}/" + "o" * 64,
    "one_slash": "spiffe:/{domain}/{name}",
    "empty": "",
    "https": "https://{domain}/{name}",
    "prefixed_scheme": "xspiffe://{domain}/{name}",
}
"""SPIFFE IDs that some careless comparison would let pass (SPIFFE-ID §2)."""

CASES: Mapping[str, Case] = {
    "expired": _case("its time is over (RFC 5280 §6.1.3)", "chain", begins=-DAY, ends=-HOUR),
    "not_yet_valid": _case("its time has not come (RFC 5280 §6.1.3)", "chain", begins=HOUR, ends=DAY),
    "other_ca": _case("a CA of the same name has signed, with another key", "chain", signer="namesake", chain=False),
    "other_ca_sent_along": _case("what somebody sends along is no root of ours", "chain", signer="namesake"),
    "signed_with_another_key": _case("it names our CA's key, and is not signed with it", "chain", signer="pretender"),
    "self_signed": _case("it vouches for itself", "chain", signer="itself"),
    "signed_by_a_service": _case("a service is not a CA (RFC 5280 §6.1.4 k)", "chain", signer="leaf"),
    "sub_ca": _case("our intermediate may have no CA below it (RFC 5280 §6.1.4 l)", "chain", signer="sub-ca"),
    "intermediate_missing": _case("nobody can tell who signed", "chain", chain=False),
    "unexpected_intermediate": _case("no CRL says that it is still good (RFC 5280 §6.3)", "chain", signer="beside"),
    "expired_intermediate": _case(
        "the time of its CA is over (RFC 5280 §6.1.3)",
        "chain",
        signer="beside",
        between={"begins": -DAY, "ends": -HOUR},
    ),
    "intermediate_for_nothing": _case(
        "its CA may not sign (RFC 5280 §6.1.4 n)", "chain", signer="beside", between={"signs": False}
    ),
    "intermediate_that_is_none": _case(
        "its CA is none (RFC 5280 §6.1.4 k)", "chain", signer="beside", between={"is_ca": False}
    ),
    "name_constraint_violated": _case(
        "its CA may only name others (RFC 5280 §4.2.1.10)",
        "chain",
        signer="beside",
        between={"bounds": x509.NameConstraints([x509.DNSName("elsewhere.test")], None)},
    ),
    "outside_the_bounds": _case("our intermediate may not name it", "chain", dns=("elsewhere.test",)),
    "an_address": _case("our intermediate may name no address", "chain", addresses=("127.0.0.1",)),
    "weak_rsa": _case("a key of 1024 bits can be broken (NIST SP 800-131A)", "chain", key="rsa1024"),
    "weak_curve": _case("a curve of 192 bits: no TLS 1.3 signature is for it (RFC 8446 §4.2.3)", "chain", key="p192"),
    "sha1": _case("SHA-1 has collisions (RFC 9155)", "chain", hash="sha1"),
    "wrong_host": _case("it may answer elsewhere only (RFC 9525 §6)", "host", dns=("elsewhere.localhost",)),
    "no_host": _case("it may answer nowhere: a CN is no host name (RFC 9525 §2)", "host", dns=()),
    "client_only": _case("it is not for servers (RFC 5280 §4.2.1.12)", "chain", usages=(CLIENT,)),
    "server_only": _case("it is not for clients (RFC 5280 §4.2.1.12)", "chain", usages=(SERVER,)),
    "code_signing": _case("it is for code", "chain", usages=(ExtendedKeyUsageOID.CODE_SIGNING,)),
    "no_usage": _case("it does not say what it is for (X509-SVID §4.4)", "peer", usages=None),
    "a_ca": _case("a CA is not a service (X509-SVID §5.2)", "peer", is_ca=True),
    "two_names": _case(
        "it names two (X509-SVID §2)", "peer", uris=("spiffe://{domain}/{name}", "spiffe://{domain}/billing")
    ),
    "another_name": _case("it names somebody else", "peer", uris=("spiffe://{domain}/somebody-else",)),
    "no_uri": _case("it names a host, and no service (X509-SVID §2)", "peer", uris=()),
    "common_name_only": _case("a CN names nobody (RFC 9525 §2)", "peer", uris=(), dns=()),
    **{f"look_alike_{name}": _case("almost its name", "peer", uris=(uri,)) for name, uri in LOOK_ALIKES.items()},
}
