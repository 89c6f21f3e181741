"""Which names may go into a certificate, and which an intermediate may vouch for.

The intermediate's key is at work all day, so the root bounds what it can be used for (RFC 5280 §4.2.1.10): to the hosts
where the shop's processes answer, and to no IP address at all.  The trust domain is not among the bounds, though
RFC 5280 knows a constraint on a URI's host: of the readers that the leaves are tested with, OpenSSL obeys it, GnuTLS
passes over it, and pyca/cryptography refuses every chain that has one.  So `services.tls` compares the whole SPIFFE ID
itself, at both ends, which a constraint on its host would not replace anyway.
"""

import re
from collections.abc import Iterable, Sequence
from ipaddress import ip_network

from cryptography import x509

from certs.errors import BadName

HOSTS = ("gateway", "idp", "orders", "inventory", "billing", "localhost")
"""Where the shop's processes answer; `localhost` is for browsers, and `idp.localhost` lies under it."""
ANYWHERE = (ip_network("0.0.0.0/0"), ip_network("::/0"))


def check_trust_domain(trust_domain: str) -> None:
    """Raise BadName unless a SPIFFE ID may begin with it (SPIFFE-ID §2.1)."""
    if not re.fullmatch(r"[a-z0-9._-]{1,255}", trust_domain):
        raise BadName(f"{trust_domain!r} is not a trust domain: lower-case letters, digits, '.', '-' and '_'")


def check_authority(name: str) -> None:
    """Raise BadName unless `name`, with the number of a root or intermediate, can be a common name.

    That has 64 characters at most (RFC 5280 Appendix A.1, ub-common-name), which pyca/cryptography counts as bytes;
    " issuing.1" and six further digits take 16 of them.
    """
    if not name.isprintable() or not 1 <= len(name.encode()) <= 48:
        raise BadName(f"{name!r} is not a CA's name: 1 to 48 bytes of printable UTF-8")


def check(name: str, dns_names: Sequence[str]) -> None:
    """Raise BadName unless `name` can be a SPIFFE path and each DNS name is one plain host."""
    if not re.fullmatch(r"[a-z][a-z0-9-]{0,62}", name):
        raise BadName(f"{name!r} is not a service name: a lower-case letter, then up to 62 of a-z 0-9 -")
    check_hosts(dns_names)


def check_hosts(dns_names: Iterable[str]) -> None:
    """Raise BadName unless each is one plain host.

    `fullmatch`, because `$` would let a line feed through. No wildcards: they name everybody. The last
    label must not be all digits, or `127.0.0.1` would pass for a host (RFC 1123 §2.1).
    """
    for host in dns_names:
        label = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
        if len(host) > 253 or not re.fullmatch(rf"({label}\.)*(?![0-9]+\Z){label}", host):
            raise BadName(f"{host!r} is not a host's name: lower-case labels, no wildcard, no address")


def check_bounds(dns_names: Iterable[str], hosts: Sequence[str]) -> None:
    """Raise BadName for a name that no reader would accept from an intermediate bounded to `hosts`."""
    for name in dns_names:
        if not any(name == host or name.endswith(f".{host}") for host in hosts):
            raise BadName(f"{name!r} is none of the hosts that this CA may vouch for: {', '.join(hosts)}")


def bounds(hosts: Sequence[str]) -> x509.NameConstraints:
    """The hosts, with all that is under each of them, and no address; raises BadName when that would be all or none."""
    check_hosts(hosts)
    if not hosts:
        raise BadName("an intermediate needs at least one host, or it could vouch for all of them")
    return x509.NameConstraints([x509.DNSName(host) for host in hosts], [x509.IPAddress(net) for net in ANYWHERE])
