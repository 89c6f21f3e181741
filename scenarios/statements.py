"""What the article says of each pattern, in our words, and the judges of it.

A judge says what was measured, what that makes of the statement, and why; it never says more than it has looked up.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from compose.topology import INSIDE, PATTERNS
from scenarios.judging import Finding, Look

AGREES, DISAGREES, DEPENDS = Finding.AGREES, Finding.DISAGREES, Finding.DEPENDS
MEMORY = "processes whose memory holds a reusable secret"
PASSWORD = "processes whose memory holds the password"
UNASKED = "services answering an unauthenticated request"
READERS = "processes that can read the user store"
HOPS = "hops that carry a reusable secret"
CALLS = "IdP calls per order, warm"
SHORT = 600
"""Seconds: what we call a short life."""

Verdict = tuple[str, Finding, str]
"""What a judge says: what was measured, the finding, and why."""
Judge = Callable[[Look], Verdict]


@dataclass(frozen=True)
class Statement:
    """What the article says, and who judges it."""

    id: str
    says: str
    judge: Judge

    @property
    def pattern(self) -> str:
        """The pattern that it is about: its id begins with it."""
        return self.id.partition("-")[0]


STATEMENTS: list[Statement] = []
"""Every statement, in the order in which the patterns are read."""


def states(name: str, says: str) -> Callable[[Judge], Judge]:
    """Declare a judge of the statement `name`."""

    def declare(judge: Judge) -> Judge:
        STATEMENTS.append(Statement(name, says, judge))
        return judge

    return declare


def counted(number: float, what: str, more: str = "") -> str:
    """A number of things: `1 process`, `2 processes` when `more` is the plural, and else with an s."""
    return f"{number:.0f} {what if number == 1 else more or f'{what}s'}"


def processes(number: float) -> str:
    """A number of processes."""
    return counted(number, "process", "processes")


def holds(fact: bool) -> Finding:
    """That the statement is so, or that it is not."""
    return AGREES if fact else DISAGREES


@states("perimeter-inside-is-open", "Services inside are not secured, and call each other freely.")
def _inside_is_open(look: Look) -> Verdict:
    shares = {pattern: look.figure("blast_radius", pattern, "inside") for pattern in PATTERNS}
    others = max(share for pattern, share in shares.items() if pattern != "perimeter")
    measured = f"{shares['perimeter']:.0%} of the operations inside, for somebody with nothing; elsewhere {others:.0%}"
    return measured, holds(shares["perimeter"] > 0 and others == 0), "whoever is inside is believed, whatever they say"


@states("perimeter-no-authentication", "No service authenticates anybody.")
def _nobody_asks(look: Look) -> Verdict:
    answering = look.figure("blast_radius", "perimeter", UNASKED)
    measured = f"{answering:.0f} of {len(INSIDE)} services answer a request that proves nothing"
    return measured, holds(answering == len(INSIDE)), "no service asks; the only lock is on the door outside"


@states("basic-store-everywhere", "Every service needs the store of the end users' credentials.")
def _everybody_reads_the_store(look: Look) -> Verdict:
    readers = {pattern: look.figure("exposure", pattern, READERS) for pattern in PATTERNS}
    measured = f"{processes(readers['basic'])} can read it; under oauth2 {readers['oauth2']:.0f}"
    return measured, holds(readers["basic"] == max(readers.values())), "each service checks the password by itself"


@states("basic-password-kept", "Name and password are kept in memory or a session, to call on with.")
def _password_is_kept(look: Look) -> Verdict:
    places = {pattern: look.figure("exposure", pattern, PASSWORD) for pattern in PATTERNS}
    hops = look.figure("exposure", "basic", HOPS)
    others = max(number for pattern, number in places.items() if pattern != "basic")
    measured = (
        f"in the memory of {processes(places['basic'])}, elsewhere at most {others:.0f}; on {counted(hops, 'hop')}"
    )
    return measured, holds(places["basic"] > others), "to call on, a service has to keep what it was shown"


@states("basic-exposure", "The risk that a credential is exposed is very high.")
def _exposure_is_very_high(look: Look) -> Verdict:
    stolen = look.served("harvest_passwords", "basic")
    elsewhere = [look.served("harvest_passwords", pattern) for pattern in PATTERNS if pattern != "basic"]
    measured = "a password read in billing opens the front door" if stolen else "no password could be used again"
    return (
        measured,
        holds(stolen and not any(elsewhere)),
        "it works for whoever has it, everywhere, until it is changed",
    )


@states("subsystem-no-user", "The end user is not known to a service, and cannot be authorized there.")
def _subsystem_knows_no_user(look: Look) -> Verdict:
    forged, deputy = look.served("forge_the_user", "subsystem"), look.served("confused_deputy", "subsystem")
    measured = f"forging the user: {_word(forged)}; another's order by way of a deputy: {_word(deputy)}"
    return measured, holds(forged and deputy), "the service is proven, the user only asserted"


@states("subsystem-change", "To change a credential is to change it at each instance.")
def _changing_a_password(look: Look) -> Verdict:
    files = look.figure("rotation", "subsystem", "service password: files")
    restarted = look.figure("rotation", "subsystem", "service password: processes restarted")
    measured = f"{counted(files, 'file')} changed, {processes(restarted)} restarted, for the password of one service"
    return measured, holds(files > 1), "the one who shows it and all who check it have to change, one after the other"


@states("mtls-both-ends", "Both parties authenticate each other.")
def _both_ends_prove_themselves(look: Look) -> Verdict:
    caller = look.verdict("strangers_certificates", "mtls") == "REFUSED"
    server = look.verdict("answer_on_anothers_address", "mtls") == "REFUSED"
    measured = f"a stranger who calls: {_no(caller)}; a stranger who answers: {_no(server)}"
    return measured, holds(caller and server), "each end checks chain, date, CRL and name of the other"


@states("mtls-renewal", "Renewing certificates touches all instances.")
def _renewing_certificates(look: Look) -> Verdict:
    files = look.figure("rotation", "mtls", "service certificate: files")
    restarted = look.figure("rotation", "mtls", "service certificate: processes restarted")
    failed = look.figure("rotation", "mtls", "service certificate: requests failed")
    touched = f"for one service {counted(files, 'file')} and {processes(restarted)} restarted"
    measured = f"{touched}; {counted(failed, 'request')} failed meanwhile"
    why = "each service has a certificate of its own to renew; but new files are read without a restart"
    return measured, DEPENDS if restarted == 0 and failed == 0 else AGREES, why


@states("mtls-no-user", "The end user is not known.")
def _mtls_knows_no_user(look: Look) -> Verdict:
    forged = look.served("forge_the_user", "mtls")
    return (
        f"forging the user with a genuine certificate: {_word(forged)}",
        holds(forged),
        "it names services, not people",
    )


@states("oauth2-one-token", "One token serves all services.")
def _one_token_for_all(look: Look) -> Verdict:
    took = look.figure("token", "oauth2", "services that take the same token")
    measured = f"{took:.0f} of {len(INSIDE) + 1} services took the same token for one order"
    return measured, holds(took == len(INSIDE) + 1), "the same fingerprint is in the audit line of every hop"


@states("oauth2-short-lived", "A token lives a short time, and OpenID Connect says whose it is.")
def _short_lived(look: Look) -> Verdict:
    life = look.figure("token", "oauth2", "seconds that an access token lives")
    named = look.figure("token", "oauth2", "userinfo names the user")
    measured = f"{life:.0f} s; userinfo {'names' if named else 'does not name'} the user"
    return measured, holds(life <= SHORT and named == 1), "a stolen one is soon worth nothing, where a password stays"


@states("oauth2-asks", "Validating a token takes additional calls to the identity provider.")
def _asking_costs(look: Look) -> Verdict:
    calls = {pattern: look.figure("idp_calls", pattern, CALLS) for pattern in ("oauth2", "jwt")}
    measured = f"{calls['oauth2']:.0f} calls to the IdP per order; under jwt {calls['jwt']:.0f}"
    return measured, holds(calls["oauth2"] > calls["jwt"]), "each hop asks what the token means"


@states("oauth2-revocation", "A token that was revoked is refused at once.")
def _revoked_at_once(look: Look) -> Verdict:
    refused = look.verdict("use_after_revocation", "oauth2") == "UNAUTHENTICATED"
    return f"the first request after the revocation: {_no(refused)}", holds(refused), "the answer is never kept"


@states("oauth2-needs-the-idp", "Without the identity provider nothing goes.")
def _needs_the_idp(look: Look) -> Verdict:
    dark = look.verdict("idp_dark", "oauth2")
    return f"an order with the IdP down: {dark.lower()}", holds(dark == "UNAVAILABLE"), "nobody else knows the token"


@states("jwt-without-the-idp", "A token is verified without calling the identity provider.")
def _without_the_idp(look: Look) -> Verdict:
    calls, dark = look.figure("idp_calls", "jwt", CALLS), look.served("idp_dark", "jwt")
    measured = f"{calls:.0f} calls per order; an order with the IdP down: {_word(dark)}"
    return measured, holds(calls == 0 and dark), "the public keys are known, and they are enough"


@states("jwt-outlives-revocation", "A token that was revoked works until it expires.")
def _outlives_revocation(look: Look) -> Verdict:
    served = look.served("use_after_revocation", "jwt")
    seconds = look.figure("revocation", "jwt", "token/token revoked")
    measured = f"a token used after its revocation: {_word(served)}, for up to {seconds:.0f} s"
    return measured, holds(served and seconds > 0), "nobody asks anybody until it expires"


@states("zerotrust-stolen", "Beyond the article: a stolen token is of no use to anybody.")
def _useless_when_stolen(look: Look) -> Verdict:
    away = look.verdict("replay_from_elsewhere", "zerotrust")
    on = look.verdict("hand_on_to_the_wrong_audience", "zerotrust")
    measured = f"replayed from elsewhere: {away.lower()}; handed on: {on.lower()}"
    return measured, holds("SERVED" not in {away, on}), "each token is good for one hop, and one presenter"


@states("zerotrust-price", "Beyond the article: that is paid for with calls to the identity provider.")
def _exchange_costs(look: Look) -> Verdict:
    calls, plain = (look.figure("idp_calls", pattern, CALLS) for pattern in ("zerotrust", "jwt"))
    measured = f"{calls:.0f} calls to the IdP per order; under jwt {plain:.0f}"
    return measured, holds(calls > plain), "a new token for each hop has to come from somewhere"


def _word(served: bool) -> str:
    return "served" if served else "not served"


def _no(refused: bool) -> str:
    return "refused" if refused else "let in"
