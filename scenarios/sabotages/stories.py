"""What a story notices that attacks the whole shop; and for stories whom nothing lets in, what would.

Every attack has a control: under some pattern it succeeds, or a sabotage lets it through.  Where that sabotage is
noticed by the story itself, it stands here; where a faster test notices it, `CONTROLS` says which one it is.
"""

from __future__ import annotations

from collections.abc import Mapping

from scenarios.sabotages.sabotage import Sabotage

API = "services/api.py"
SERVER = "services/server.py"
LAST_OPTION = '        "umask": 0o077,'


def _told(pattern: str, story: str) -> str:
    """The story under that pattern, as pytest names it."""
    return f"tests/test_scenarios.py::test_it_comes_as_it_was_written[local-{pattern}-{story}]"


SABOTAGES = (
    Sabotage(
        "mtls: whoever knocks is let in",
        "services/patterns/mtls.py",
        'client="required"',
        'client="optional"',
        _told("mtls", "knock_at_each_service"),
    ),
    Sabotage(
        "subsystem: whoever knocks is let in",
        "services/patterns/subsystem.py",
        "        caller, password = basic_credentials(request)\n",
        '        if "Authorization" not in request.headers:\n'
        '            return Identity("gateway", "alice", frozenset(), "caller", "", caller_proven=True)\n'
        "        caller, password = basic_credentials(request)\n",
        _told("subsystem", "knock_at_each_service"),
    ),
    Sabotage(
        "a browser whose log-in has ended is led in circles",
        "services/pages.py",
        '        _edge().sessions.close(flask.session.pop("id", None))  # or the front',
        "        # or the front",
        _told("zerotrust", "use_after_a_password_change"),
    ),
    Sabotage(
        "the front door believes what is believed inside",
        "services/edge.py",
        "inner if inner.edge == settings.pattern else pattern(inner.edge, settings)",
        "inner",
        _told("perimeter", "forged_identity_headers"),
    ),
    Sabotage(
        "services listen where another machine could reach them",
        "compose/local.py",
        'host="127.0.0.1"',
        'host="0.0.0.0"',
        _told("perimeter", "a_service_reached_directly"),
    ),
    Sabotage(
        "the front door passes a path on",
        API,
        '@views.get("/items/<sku:sku>")',
        '@views.get("/items/<path:sku>")',
        _told("jwt", "inner_paths_at_the_edge"),
    ),
    Sabotage(
        "any method will do",
        API,
        '@views.get("/me")',
        '@views.route("/me", methods=["GET", "POST"])',
        _told("jwt", "other_methods"),
    ),
    Sabotage(
        "an order can be changed, if it is one's own",
        API,
        '@views.get("/orders/<reference:order_id>")',
        '@views.route("/orders/<reference:order_id>", methods=["GET", "DELETE", "PUT", "PATCH"])',
        _told("jwt", "change_somebody_elses_order"),
    ),
    Sabotage(
        "a header may go on in the next line",
        SERVER,
        LAST_OPTION,
        f'{LAST_OPTION}\n        "permit_obsolete_folding": True,',
        _told("jwt", "smuggled_requests"),
    ),
    Sabotage(
        "a credential may be as long as a book",
        SERVER,
        LAST_OPTION,
        f'{LAST_OPTION}\n        "limit_request_field_size": 100_000,',
        _told("jwt", "oversized_credentials"),
    ),
    Sabotage(
        "a shop waits for whoever asks and does not listen",
        "services/whole.py",
        "        super().__init__(request, request.connection, config)",
        "        super().__init__(request, _, config)",
        _told("jwt", "slow_clients"),
    ),
)

CONTROLS: Mapping[str, str] = {
    "a_program_that_may_only_read": "a proven person needs no scope",
    "a_service_secret_used_as_another": "a service's wrong password passes",
    "a_token_in_the_query": "a token in the query is overlooked",
    "asking_for_everything_at_once": "one person may have the whole gateway",
    "basic_in_the_wrong_place": "no view asks who is there",
    "bearer_in_the_wrong_place": "any scheme will do",
    "bent_hosts": "a request without a host, or with two, is served",
    "broken_chunks": "broken chunks count as our own mistake",
    "forged_headers_beside_a_credential": "the front door believes what is believed inside",
    "guessed_passwords": "a guesser is not slowed down",
    "hostile_bodies": "a form passes for JSON",
    "hostile_quantities": "a quantity may be negative",
    "malformed_messages": "a header may go on in the next line",
    "mass_assignment": "members that nobody knows are overlooked",
    "no_credential_at_the_edge": "no view asks who is there",
    "old_protocols": "a server speaks older versions of TLS",
    "path_tricks": "a header moves the application to another path",
    "read_somebody_elses_order": "another customer's order is shown at the edge",
    "refund_somebody_elses_order": "anybody refunds at the edge",
    "strange_upgrades": "no view asks who is there",
    "the_last_item": "more is sold than there is",
    "two_basic_credentials": "two credentials that were joined pass for one",
    "two_bearer_tokens": "two credentials that were joined pass for one",
    "who_shops_here": "an unknown name is answered sooner",
    "wrong_passwords_at_the_gateway": "a wrong password passes",
}
"""Stories that succeed under no pattern, and that no sabotage has for its check: the one that lets them through."""
