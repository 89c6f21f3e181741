"""The server: what it believes, how it shares its time out, and when it lets go."""

from __future__ import annotations

from scenarios.sabotages.sabotage import Sabotage

SERVER, WORKER, ARRIVING = "services/server.py", "services/worker.py", "services/arriving.py"
SLOW = "tests/test_server.py::TestWhoIsSlow::test_others_are_served_meanwhile_and_so_are_they"

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
        "            self.see_off(connection)",
        "            super().finish_request(connection, handled)",
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
        "tests/test_server.py::TestWhoIsSlow::test_whoever_sends_too_much_is_not_listened_to_for_ever",
    ),
    Sabotage(
        "who says nothing keeps a thread",
        WORKER,
        "        self.wait_for(Connection(self.cfg, client, address, listener.getsockname()))",
        "        self.enqueue_req(Connection(self.cfg, client, address, listener.getsockname()))",
        "tests/test_server.py::TestTLS::test_who_connects_and_says_nothing_keeps_nobody_else_out",
        also=((ARRIVING, "SOON = 0.01", "SOON = 60.0"),),
    ),
    Sabotage(
        "who sends half a head keeps a thread",
        ARRIVING,
        '        return "head", 0',
        "        return None, 0",
        f"{SLOW}[a head]",
    ),
    Sabotage(
        "who sends half a body keeps a thread",
        ARRIVING,
        '    return ("body" if told and len(octets) - start < int(told[1]) <= LARGEST else None), 0',
        "    return None, 0",
        f"{SLOW}[a body]",
    ),
    Sabotage(
        "who sends half a chunk keeps a thread",
        ARRIVING,
        '        return ("body" if seen else None), seen',
        "        return None, seen",
        f"{SLOW}[a chunk]",
    ),
    Sabotage(
        "who waits for a word keeps a thread",
        ARRIVING,
        "            self.sock.sendall(GO_ON)",
        "            self.sock.sendall(GO_ON)\n            self.lacks = None",
        f"{SLOW}[a word]",
    ),
    Sabotage(
        "who sends octet after octet keeps a thread",
        ARRIVING,
        "                if not _comes(self.sock, until - time.monotonic()):",
        "                if not _comes(self.sock, SOON):",
        "tests/test_arriving.py::test_whoever_always_has_one_more_octet_is_not_listened_to_for_long",
    ),
    Sabotage(
        "what has no end is put by without end",
        ARRIVING,
        "        if self.lacks and len(self.held) >= LARGEST:",
        "        if False:",
        "tests/test_server.py::TestWhoIsSlow::test_what_has_no_end_is_refused_in_the_end",
    ),
    Sabotage(
        "what nobody will read is waited for",
        WORKER,
        "    def _keepalive_after(",
        "    def _keepalive_never(",
        "tests/test_server.py::TestWhoIsSlow::test_what_nobody_will_read_is_not_waited_for",
    ),
    Sabotage(
        "who sends half a handshake keeps a thread",
        ARRIVING,
        "            self.sock.do_handshake()",
        "            self.sock.setblocking(True)\n            self.sock.do_handshake()",
        "tests/test_server.py::TestWhoIsSlow::test_so_are_those_who_shake_hands_meanwhile",
    ),
    Sabotage(
        "who sends an octet now and then is listened to for ever",
        WORKER,
        "        for connection in [late for late in self.pending_conns if time.monotonic() > late.timeout]:",
        "        for connection in ():",
        "tests/test_server.py::TestWhoIsSlow::test_whoever_goes_on_like_that_is_hung_up_on",
    ),
    Sabotage(
        "the end waits for those who have said nothing",
        WORKER,
        "            if not connection.begun:",
        "            if False:",
        "tests/test_server.py::TestWhoIsSlow::test_whoever_has_said_nothing_is_not_waited_for_when_it_ends",
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
