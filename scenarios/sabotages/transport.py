"""TLS: who gets in, whom a certificate names, and what was taken back."""

from __future__ import annotations

from scenarios.sabotages.sabotage import Sabotage

TLS = "services/tls.py"
GETS_IN = "tests/test_tls.py::TestWhoGetsIn"
TAKEN_BACK = "tests/test_tls.py::TestTheListOfThoseTakenBack"
NAME = "tests/test_tls.py::TestTheNameInACertificate"

SABOTAGES = (
    Sabotage(
        "a server speaks older versions of TLS",
        TLS,
        "    context.minimum_version = ssl.TLSVersion.TLSv1_3  # RFC 9325 §3.1.1\n",
        "",
        f"{GETS_IN}::test_tls_1_2_is_refused",
    ),
    Sabotage(
        "a resumed session skips the revocation list",
        TLS,
        "    context.num_tickets = 0",
        "    context.num_tickets = 2",
        f"{GETS_IN}::test_nobody_is_given_a_ticket_to_resume_with",
    ),
    Sabotage(
        "no certificate is needed where one is required",
        TLS,
        '"required": ssl.CERT_REQUIRED',
        '"required": ssl.CERT_OPTIONAL',
        f"{GETS_IN}::test_nobody_without_a_certificate_does_where_one_is_required",
    ),
    Sabotage(
        "whoever hangs up early breaks somebody else's request",
        TLS,
        "            forget_errors()\n",
        "",
        "tests/test_tls.py::TestWhoHangsUp::test_the_error_of_a_write_is_forgotten",
    ),
    Sabotage(
        "what one connection has suffered is told to the next",
        TLS,
        "    with contextlib.suppress(ssl.SSLWantReadError):\n        _nobody",
        "    with contextlib.suppress(ssl.SSLWantReadError):\n        return\n        _nobody",
        "tests/test_tls.py::TestWhoHangsUp::test_what_is_forgotten_is_not_read_as_somebody_elses",
    ),
    Sabotage(
        "whoever has a certificate of a revoked intermediate gets in",
        TLS,
        "ssl.VERIFY_CRL_CHECK_CHAIN",
        "ssl.VERIFY_CRL_CHECK_LEAF",
        f"{TAKEN_BACK}::test_nobody_of_a_revoked_intermediate_gets_in",
    ),
    Sabotage(
        "a revoked certificate gets in",
        TLS,
        "ssl.VERIFY_CRL_CHECK_CHAIN | ",
        "",
        f"{TAKEN_BACK}::test_a_revoked_leaf_does_not_get_in",
    ),
    Sabotage(
        "certificates are read loosely",
        TLS,
        " | ssl.VERIFY_X509_STRICT",
        "",
        "tests/test_tls.py::TestWhomWeCall::test_a_context_reads_strictly",
    ),
    Sabotage(
        "without a revocation list nobody is revoked",
        TLS,
        "    context.load_verify_locations(crl)\n    context.verify_flags |= ssl.VERIFY_CRL_CHECK_CHAIN",
        "    if Path(crl).stat().st_size:\n        context.load_verify_locations(crl)\n    context.verify_flags |= 0",
        f"{TAKEN_BACK}::test_a_list_that_is_none_is_as_good_as_missing",
    ),
    Sabotage(
        "a revocation list that changes counts after a restart",
        TLS,
        "    if known and known[0] == stamp:",
        "    if known:",
        f"{TAKEN_BACK}::test_somebody_revoked_meanwhile_is_refused_at_the_next_connection",
    ),
    Sabotage(
        "the CA itself passes for a service",
        TLS,
        "    if constraints.ca:",
        "    if constraints.ca and not constraints.ca:",
        f"{NAME}::test_a_ca_is_not_a_service",
    ),
    Sabotage(
        "a server's certificate passes for a client's",
        TLS,
        "    if ExtendedKeyUsageOID.CLIENT_AUTH not in usage:",
        "    if not usage:",
        f"{NAME}::test_a_certificate_that_is_not_for_clients_names_nobody",
    ),
    Sabotage(
        "of two names the first counts",
        TLS,
        "    if len(uris) != 1:",
        "    if not uris:",
        f"{NAME}::test_only_exactly_one_uri_names_anybody",
    ),
    Sabotage(
        "a name of another trust domain passes",
        TLS,
        r'rf"\Aspiffe://{re.escape(TRUST_DOMAIN)}/(',
        r'rf"\Aspiffe://[^/]*{re.escape(TRUST_DOMAIN)}[^/]*/(',
        f"{NAME}::test_a_look_alike_names_nobody",
    ),
    Sabotage(
        "a name may end in a line feed",
        TLS,
        r'{{0,62}})\Z", re.ASCII)',
        r'{{0,62}})$", re.ASCII)',
        f"{NAME}::test_a_look_alike_names_nobody",
    ),
    Sabotage(
        "a revocation list that could not be read once is not read again",
        "services/tls.py",
        "        if not isinstance(error, ssl.SSLError):",
        "        if False:",
        "tests/test_tls.py::TestFilesThatChange::test_what_cannot_be_read_at_this_moment_is_read_at_the_next",
    ),
    Sabotage(
        "whoever called first is taken for everybody",
        "services/tls.py",
        "    found = _peers.get(connection)\n",
        "    found = next(iter(_peers.values()), None)\n",
        "tests/test_tls.py::TestTheNameInACertificate::test_who_is_at_the_other_end_is_found_out_once_for_each_connection",
    ),
)
