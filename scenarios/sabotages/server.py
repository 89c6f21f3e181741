"""The server: what it believes, how it shares its time out, and when it lets go."""

from __future__ import annotations

from scenarios.sabotages.sabotage import Sabotage

SERVER, WORKER = "services/server.py", "services/worker.py"

SABOTAGES = (
    Sabotage(
        "a header moves the application to another path",
        SERVER,
        '        "forwarder_headers": "",\n',
        "",
        "tests/test_server.py::TestHeadersThatAServerMightBelieve::test_none_moves_the_application",
        also=((SERVER, '        "forwarded_allow_ips": "",\n', ""),),
    ),
    Sabotage(
        "a header says that it was HTTPS",
        SERVER,
        '        "forwarded_allow_ips": "",\n',
        "",
        "tests/test_server.py::TestHeadersThatAServerMightBelieve::test_none_turns_http_into_https",
    ),
    Sabotage(
        "who was answered and does not hang up keeps everybody else out",
        WORKER,
        "        if handled.cancelled() or handled.exception() or handled.result():",
        "        if True:",
        "tests/test_server.py::TestWhoDoesNotHangUp::test_others_are_let_in_meanwhile",
    ),
    Sabotage(
        "whoever comes while a service ends waits for nobody",
        WORKER,
        "        if not enabled and not self.alive:",
        "        if False:",
        "tests/test_server.py::TestTheEnd::test_whoever_comes_then_is_served_or_turned_away_at_once",
    ),
    Sabotage(
        "an old connection stays open",
        SERVER,
        "            start_response.__self__.force_close()",
        "            pass",
        "tests/test_server.py::TestOldConnections::test_a_connection_is_kept_alive_until_it_is_old_and_closed_then",
    ),
    Sabotage(
        "broken chunks count as our own mistake",
        SERVER,
        "        except ParseException as error:",
        "        except ZeroDivisionError as error:",
        "tests/test_server.py::test_a_body_whose_chunks_are_broken_is_the_senders_mistake",
    ),
    Sabotage(
        "who is slow keeps a thread for ever",
        WORKER,
        "            if time.monotonic() > until:",
        "            if time.monotonic() < 0:",
        "tests/test_server.py::TestTLS::test_who_takes_too_long_over_a_handshake_or_a_head_is_hung_up_on",
    ),
    Sabotage(
        "who says nothing keeps a thread",
        WORKER,
        "        self.pending_conns.append(connection)\n        self.poller.register(",
        "        return bool(self.enqueue_req(connection)) or True\n        self.poller.register(",
        "tests/test_server.py::TestTLS::test_who_connects_and_says_nothing_keeps_nobody_else_out",
    ),
    Sabotage(
        "a server that is out of handles ends",
        WORKER,
        "            if error.errno in OUT_OF_HANDLES:",
        "            if False:",
        "tests/test_server.py::TestHandles::test_who_has_none_left_waits_for_one_and_goes_on",
    ),
    Sabotage(
        "connections may take every handle",
        SERVER,
        "min(MAX_CONNECTIONS, max(1, allowed // 2))",
        "MAX_CONNECTIONS",
        "tests/test_server.py::TestHandles::test_half_of_them_are_for_connections",
    ),
    Sabotage(
        "one context serves for ever",
        SERVER,
        '            "ssl_context": lambda _config, _default: tls(),',
        '            "ssl_context": lambda _config, _default, kept=tls(): kept,',
        "tests/test_server.py::TestFilesThatChange::test_a_revoked_caller_is_refused_without_a_restart",
    ),
)
