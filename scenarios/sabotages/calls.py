"""The calls from service to service: whom they reach, what is believed of the answer, and who waits for it."""

from __future__ import annotations

from scenarios.sabotages.sabotage import Sabotage

CALLING = "services/calling.py"
PEERS = "services/peers.py"
BULKHEAD = "services/bulkhead.py"
CALLS = "tests/test_tls.py::TestWhomWeCall"
TIME = "tests/test_peers.py::TestTime"

SABOTAGES = (
    # calling
    Sabotage(
        "another certificate is shown than the one that was meant",
        CALLING,
        "            return certificate\n",
        "            certificate = None\n",
        f"{CALLS}::test_a_context_goes_on_showing_the_certificate_that_it_holds",
    ),
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
        CALLING,
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
        "everybody waits for whoever does not answer",
        BULKHEAD,
        "len(self._since) >= MOST",
        "len(self._since) >= 1000",
        "tests/test_bulkhead.py::test_whoever_comes_when_one_has_waited_for_long_is_refused_at_once",
    ),
    Sabotage(
        "whoever was too slow is asked by as many as before",
        BULKHEAD,
        "                self._is_slow = True",
        "                self._is_slow = False",
        "tests/test_bulkhead.py::TestOneThatIsSlow",
    ),
    Sabotage(
        "everybody who logs in waits for an identity provider that does not answer",
        "services/relying_party.py",
        "            with self._places.place():",
        "            if True:",
        "tests/test_oauth.py::TestLoggingIn",
    ),
    Sabotage(
        "whoever shares a question waits for its answer however many do",
        "services/oauth.py",
        "        with self._place():\n",
        "        if True:\n",
        "tests/test_oauth.py::TestAnswers",
    ),
    Sabotage(
        "whoever has no key waits for those who fetch some however many do",
        "services/keys.py",
        "            with nullcontext() if usable_meanwhile else self._place():",
        "            if True:",
        "tests/test_oauth.py::TestAnswers",
    ),
    Sabotage(
        "each question to the identity provider has the time of a whole request",
        "services/oauth.py",
        "                deadline=audit.deadline(self._settings.budget),",
        "                deadline=time.monotonic() + self._settings.budget,",
        "tests/test_oauth.py::TestAnswers",
    ),
    Sabotage(
        "whoever waits for a place looks for it by the clock alone",
        BULKHEAD,
        "            self._changed.notify_all()\n",
        "",
        "tests/test_bulkhead.py::test_whoever_comes_when_all_places_are_taken_has_the_next_that_is_free",
    ),
    Sabotage(
        "somebody who had no time makes others think that nothing comes",
        BULKHEAD,
        "now - began >= self._long and began",
        "began",
        "tests/test_bulkhead.py::TestOneThatIsSlow",
    ),
    Sabotage(
        "whoever waits for a place forgets when their own time is over",
        BULKHEAD,
        "min(self._since[0] + self._long, until)",
        "self._since[0] + self._long",
        "tests/test_bulkhead.py::test_whoever_waits_for_a_place_waits_no_longer_than_that",
    ),
    Sabotage(
        "an answer before the answer is taken for it",
        CALLING,
        "        if answer.status < 200:",
        "        if False:",
        "tests/test_peers.py::TestTheAnswer::test_an_answer_before_the_answer_does_not_shift_them",
    ),
    Sabotage(
        "whoever was too slow once is slow for ever",
        BULKHEAD,
        "                self._is_slow, self._well_at = False,",
        "                _, self._well_at = False,",
        "tests/test_bulkhead.py::TestOneThatIsSlow",
    ),
    Sabotage(
        "an old story of one that was slow is believed",
        BULKHEAD,
        " and began > self._well_at:",
        ":",
        "tests/test_bulkhead.py::TestOneThatIsSlow",
    ),
    Sabotage(
        "each call of a request has all of its time",
        PEERS,
        "audit.deadline(self._settings.budget)",
        "flask.g.began + 3600",
        "tests/test_peers.py::TestWhoWaits::test_the_calls_of_one_request_share_its_time",
    ),
    Sabotage(
        "whoever waits for us gives up before they hear from us",
        "services/settings.py",
        "self.timeout * BEHIND",
        "self.timeout",
        "tests/test_peers.py::TestWhoWaits",
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
        "    left = 2.5\n",
        f"{TIME}::test_a_second_attempt_has_only_the_time_that_the_first_has_left",
    ),
)
