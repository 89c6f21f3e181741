"""TLS, the calls from service to service, and the server that all of them run in."""

from __future__ import annotations

from scenarios.sabotages.sabotage import Sabotage

TLS = "services/tls.py"
CALLING = "services/calling.py"
PEERS = "services/peers.py"
GETS_IN = "tests/test_tls.py::TestWhoGetsIn"
TAKEN_BACK = "tests/test_tls.py::TestTheListOfThoseTakenBack"
NAME = "tests/test_tls.py::TestTheNameInACertificate"
CALLS = "tests/test_tls.py::TestWhomWeCall"
TIME = "tests/test_peers.py::TestTime"

SABOTAGES = (
    Sabotage(
        "another certificate is shown than the one that was meant",
        CALLING,
        "            return certificate\n",
        "            certificate = None\n",
        f"{CALLS}::test_a_context_goes_on_showing_the_certificate_that_it_holds",
    ),
    # tls
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
        f"{CALLS}::test_a_context_reads_strictly",
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
    # calling
    Sabotage(
        "a server that is somebody else is spoken to",
        CALLING,
        "        if found.name != self.expected_peer:",
        "        if not found.name:",
        f"{CALLS}::test_a_server_whose_dns_name_is_right_and_whose_spiffe_id_is_not_is_sent_nothing",
    ),
    Sabotage(
        "a server's DNS name is not checked",
        CALLING,
        "ssl_context=context, server_hostname=self._name\n",
        "ssl_context=context, server_hostname=self._name, assert_hostname=False\n",
        f"{CALLS}::test_a_server_whose_spiffe_id_is_right_and_whose_dns_name_is_not_is_sent_nothing",
    ),
    Sabotage(
        "what asks for TLS goes in the clear",
        CALLING,
        '                raise Unproven("a trust bundle was named, but the address is not https")',
        "                pass",
        "tests/test_peers.py::TestOverTLS::test_what_asks_for_tls_is_not_shown_without",
    ),
    Sabotage(
        "a server is called without a bundle to judge it by",
        CALLING,
        '            raise Unproven("no trust bundle was named: verify=…")',
        "            return ssl.create_default_context()",
        f"{CALLS}::test_no_server_is_called_without_a_bundle_to_judge_it_by",
    ),
    # peers
    Sabotage(
        "a redirect is followed",
        CALLING,
        "        retries=False,\n        redirect=False,\n",
        "        retries=1,\n        redirect=True,\n",
        "tests/test_peers.py::TestTheAnswer::test_a_redirect_is_not_followed",
    ),
    Sabotage(
        "a connection that was closed meanwhile is an outage",
        "services/calling.py",
        "                if not _cut_off(error):",
        "                if True:",
        "tests/test_peers.py::TestConnections::test_a_kept_alive_connection_that_was_closed_is_tried_again_once",
    ),
    Sabotage(
        "connections given up before they were used are an outage",
        CALLING,
        "    return isinstance(error, ClosedPoolError) or any(",
        "    return any(",
        "tests/test_peers.py::TestConnections::test_connections_given_up_before_they_were_used_are_replaced",
    ),
    Sabotage(
        "a service may be waited for without end",
        CALLING,
        "timeout=Timeout(total=left)",
        "timeout=Timeout(total=left + 60)",
        "tests/test_peers.py::TestTime",
    ),
    Sabotage(
        "any answer is passed on",
        PEERS,
        "    if status in PASSED_ON:",
        "    if status >= 400:",
        "tests/test_peers.py::TestTheAnswer::test_any_other_status_becomes_what_it_means_for_our_caller",
    ),
    Sabotage(
        "an answer of any size is read",
        PEERS,
        "    if status in {200, 201, 204} and len(body) <= MAX_ANSWER:",
        "    if status in {200, 201, 204}:",
        "tests/test_peers.py::TestTheAnswer::test_an_answer_may_be_large_but_not_larger",
    ),
    Sabotage(
        "a peer is not held to its own name",
        PEERS,
        "{name: Callee(url, name) for name, url in settings.peers.items()}",
        '{name: Callee(url, "billing") for name, url in settings.peers.items()}',
        "tests/test_peers.py::TestOverTLS::test_only_the_peer_itself_is_spoken_to",
    ),
    Sabotage(
        "an answer that drips is waited for without end",
        CALLING,
        "    response_class = InTime  # of http.client's",
        "    ours = InTime  # of http.client's",
        f"{TIME}::test_an_answer_that_does_not_come_in_time_is_504",
    ),
    Sabotage(
        "an answer that drips over TLS is waited for without end",
        CALLING,
        "    response_class = InTime\n",
        "    another = InTime\n",
        "tests/test_peers.py::TestOverTLS::test_here_too_an_answer_has_to_come_in_time",
    ),
    Sabotage(
        "whoever stops dripping is given their time again",
        "services/in_time.py",
        "        self._sock.settimeout(left)\n",
        "",
        f"{TIME}::test_whoever_stops_dripping_has_no_more_time_than_is_left",
    ),
    Sabotage(
        "a second attempt has as long again",
        CALLING,
        "    left = deadline - time.monotonic()\n",
        "    left = 1.5\n",
        f"{TIME}::test_a_second_attempt_has_only_the_time_that_the_first_has_left",
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
