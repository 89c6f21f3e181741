"""Where a credential is read from a request."""

from __future__ import annotations

from scenarios.sabotages.sabotage import Sabotage

HEADERS = "services/headers.py"

SABOTAGES = (
    Sabotage(
        "a token in the query is overlooked",
        HEADERS,
        '    if request.query_string and "access_token" in request.args:',
        "    if False:",
        "tests/test_headers.py::TestBearer::test_a_token_in_the_query_is_refused_even_beside_a_good_one",
    ),
    Sabotage(
        "a token may have any length",
        HEADERS,
        "    if len(token) > MAX_CREDENTIAL:",
        "    if not token:",
        "tests/test_headers.py::TestBearer::test_a_huge_token_is_refused",
    ),
    Sabotage(
        "two credentials that were joined pass for one",
        HEADERS,
        '    if "," in value:',
        "    if not value:",
        "tests/test_headers.py::TestBearer::test_two_credentials_are_nobodys",
    ),
    Sabotage(
        "any scheme will do",
        HEADERS,
        "    if shown.lower() != scheme:",
        "    if not shown:",
        "tests/test_headers.py::TestBearer::test_another_scheme_is_not_bearer",
    ),
    Sabotage(
        "a credential may hold anything",
        HEADERS,
        "    if not TOKEN68.match(credential):",
        "    if not credential:",
        "tests/test_headers.py::TestBearer::test_a_malformed_token_is_an_invalid_token",
    ),
    Sabotage(
        "a line feed after the token is overlooked",
        HEADERS,
        r'+=*\Z", re.ASCII)',
        r'+=*$", re.ASCII)',
        "tests/test_headers.py::TestBearer::test_a_newline_after_the_token_is_not_overlooked",
    ),
    Sabotage(
        "a password may end in NUL",
        HEADERS,
        " or not plausible(password):",
        ":",
        "tests/test_headers.py::TestBasic::test_a_control_character_is_refused_wherever_it_is",
    ),
    Sabotage(
        "a name may hold control characters",
        HEADERS,
        " or not plausible(user_id) or",
        " or",
        "tests/test_headers.py::TestBasic::test_a_control_character_is_refused_wherever_it_is",
    ),
    Sabotage(
        "base64 is read loosely",
        HEADERS,
        "base64.b64decode(encoded, validate=True)",
        'base64.b64decode(encoded + "==")',
        "tests/test_headers.py::TestBasic::test_what_is_not_base64_is_refused",
        also=((HEADERS, "    if base64.b64encode(octets).decode() != encoded:", "    if not octets:"),),
    ),
    Sabotage(
        "one pair of credentials has several spellings",
        HEADERS,
        "    if base64.b64encode(octets).decode() != encoded:",
        "    if not octets:",
        "tests/test_headers.py::test_another_spelling_of_the_same_pair_proves_nobody",
    ),
    Sabotage(
        "anything passes for a user's name",
        HEADERS,
        "    if not USER.match(value):",
        "    if not value:",
        "tests/test_headers.py::TestAssertedUser::test_what_is_not_one_user_name_is_refused",
    ),
)
