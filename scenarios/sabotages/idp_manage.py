"""The identity provider's management door."""

from __future__ import annotations

from scenarios.sabotages.sabotage import Sabotage

BROWSER = "tests/test_idp_browser.py"
DOORS = "tests/test_manage_door.py"
MANAGE = "idp/manage/door.py"

SABOTAGES = (
    Sabotage(
        "the door opens for everybody on the network",
        "idp/settings.py",
        '        if value not in {LOOPBACK, "localhost"}:',
        "        if not value:",
        f"{DOORS}::TestOff::test_it_never_opens_elsewhere",
    ),
    Sabotage(
        "the door is there without being asked for",
        "idp/settings.py",
        "    manage_port: int | None = Field(default=None, ge=1, le=65535)",
        "    manage_port: int | None = Field(default=9444, ge=1, le=65535)",
        f"{DOORS}::TestOff::test_nothing_of_it_is_read_while_it_is_off",
    ),
    Sabotage(
        "a name that an attacker points here is ours",
        MANAGE,
        "    if not OURS.match(host):",
        "    if not host:",
        f"{DOORS}::TestWhomItLetsIn::test_a_name_that_an_attacker_points_here_is_not_ours",
    ),
    Sabotage(
        "a page of another origin may ask",
        MANAGE,
        '    if request.headers.get("Origin", f"http://{host}") != f"http://{host}":',
        "    if False:",
        f"{DOORS}::TestWhomItLetsIn::test_a_page_of_another_origin_is_refused",
    ),
    Sabotage(
        "what a page elsewhere loads is answered",
        MANAGE,
        '    if request.headers.get("Sec-Fetch-Site", "none") not in {"none", "same-origin"}:',
        "    if False:",
        f"{DOORS}::TestWhomItLetsIn::test_what_a_page_elsewhere_loads_is_refused",
    ),
    Sabotage(
        "a form of a page elsewhere is obeyed",
        MANAGE,
        '    if request.method not in {"GET", "HEAD", "OPTIONS"} and request.mimetype != "application/json":',
        "    if False:",
        f"{DOORS}::TestWhomItLetsIn::test_what_a_form_can_send_is_refused",
    ),
    Sabotage(
        "with the door open what is too large is our failure",
        "idp/manage/journal.py",
        "    with suppress(HTTPException):",
        "    with suppress(LookupError):",
        "tests/test_manage_levers.py::TestJournal::test_a_body_that_is_too_large_is_told_and_answered_as_ever",
    ),
    Sabotage(
        "an access token passes for an ID token",
        "idp/keys.py",
        '        if found.header.get("typ") != typ:',
        "        if False:",
        f"{BROWSER}::TestLogout::test_a_false_id_token_is_refused",
    ),
)
