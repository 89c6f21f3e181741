"""What an access token has to be before anybody believes it."""

from __future__ import annotations

from scenarios.sabotages.sabotage import Sabotage

TOKEN = "services/access_token.py"

SABOTAGES = (
    Sabotage(
        "a token may have any shape",
        TOKEN,
        "    if not SHAPE.match(token):",
        "    if token.count('.') != 2:",
        "tests/test_access_token.py::TestShape::test_each_part_has_its_own_limit",
    ),
    Sabotage(
        "a header may change the rules",
        TOKEN,
        "    if not HEADER.issuperset(fields):",
        "    if not fields:",
        "tests/test_access_token.py::TestHeaderMembers::test_a_header_that_asks_for_more_is_refused",
    ),
    Sabotage(
        "header members may be of any type",
        TOKEN,
        "    if not all(isinstance(value, str) for value in fields.values()):",
        "    if not all(isinstance(value, (str, list)) for value in fields.values()):",
        "tests/test_access_token.py::TestForeignKeys::test_a_key_id_has_to_be_a_string",
    ),
    Sabotage(
        "an ID token passes for an access token",
        TOKEN,
        '    if fields.get("typ", "").lower() not in TYPES:',
        '    if fields.get("typ", "").lower() not in TYPES | {"jwt"}:',
        "tests/test_access_token.py::TestHeaderMembers::test_an_id_token_is_not_an_access_token",
    ),
    Sabotage(
        "a token that does not say its kind passes",
        TOKEN,
        'fields.get("typ", "").lower()',
        'fields.get("typ", "at+jwt").lower()',
        "tests/test_access_token.py::TestHeaderMembers::test_a_token_that_does_not_say_its_kind_is_refused",
    ),
    Sabotage(
        "the token's word for its algorithm is not held against the key",
        TOKEN,
        '    if fields.get("alg") != key.algorithm_name:',
        "    if False:",
        "tests/test_access_token.py::TestAlgorithm::test_a_token_that_names_no_algorithm_is_refused",
    ),
    Sabotage(
        "the signature is not verified",
        TOKEN,
        "        SIGNATURES.decode(token, key, algorithms=[key.algorithm_name])",
        "        pass",
        "tests/test_access_token.py::TestSignature::test_the_signature_of_one_token_is_no_good_for_another",
    ),
    Sabotage(
        "a short key is good enough",
        TOKEN,
        '"enforce_minimum_key_length": True',
        '"enforce_minimum_key_length": False',
        "tests/test_access_token.py::test_a_signing_key_too_short_for_its_algorithm_proves_nothing",
    ),
    Sabotage(
        "another issuer's token is taken",
        TOKEN,
        "    if claims.iss != issuer:",
        "    if not claims.iss:",
        "tests/test_access_token.py::TestIssuer",
    ),
    Sabotage(
        "a token meant for another service is taken",
        TOKEN,
        "    if audience not in claims.audiences:",
        "    if not claims.audiences:",
        "tests/test_access_token.py::TestAudience::test_a_token_for_somebody_else_is_refused",
    ),
    Sabotage(
        "an audience is searched in a string",
        TOKEN,
        "    if audience not in claims.audiences:",
        "    if not any(audience in each for each in claims.audiences):",
        "tests/test_access_token.py::TestAudience::test_a_token_for_somebody_else_is_refused",
    ),
    Sabotage(
        "an expired token is taken",
        TOKEN,
        "    if claims.exp <= now - LEEWAY:",
        "    if claims.exp <= 0:",
        "tests/test_access_token.py::TestTime::test_an_expired_token_is_refused",
    ),
    Sabotage(
        "a token from the future is taken",
        TOKEN,
        "    if max(claims.iat, claims.nbf or 0) > now + LEEWAY:",
        "    if (claims.nbf or 0) > now + LEEWAY:",
        "tests/test_access_token.py::TestTime::test_a_token_from_the_future_is_refused",
    ),
    Sabotage(
        "a token may be used before its time",
        TOKEN,
        "    if max(claims.iat, claims.nbf or 0) > now + LEEWAY:",
        "    if claims.iat > now + LEEWAY:",
        "tests/test_access_token.py::TestTime::test_a_token_may_be_valid_later_than_it_was_issued",
    ),
    Sabotage(
        "the leeway is an hour",
        TOKEN,
        "LEEWAY = 10\n",
        "LEEWAY = 3600\n",
        "tests/test_access_token.py::TestTime::test_the_leeway_is_short",
    ),
    Sabotage(
        "base64url is read loosely",
        TOKEN,
        '    if base64.urlsafe_b64encode(octets).rstrip(b"=").decode() != part:',
        "    if not octets:",
        "tests/test_access_token.py::TestShape::test_spare_bits_have_to_be_zero",
    ),
    Sabotage(
        "JSON that is no object is taken for one",
        TOKEN,
        "    if not isinstance(found, dict):",
        "    if found is None:",
        "tests/test_access_token.py::TestHostileJson::test_json_that_is_not_an_object_is_refused",
    ),
    Sabotage(
        "claims of the wrong type are made to fit",
        TOKEN,
        '    model_config = ConfigDict(strict=True, extra="ignore", hide_input_in_errors=True)',
        '    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)',
        "tests/test_access_token.py::TestClaims::test_a_time_is_a_whole_number_of_seconds",
    ),
    Sabotage(
        "a binding that we cannot check is overlooked",
        TOKEN,
        '    model_config = ConfigDict(strict=True, extra="forbid", hide_input_in_errors=True)',
        '    model_config = ConfigDict(strict=True, extra="ignore", hide_input_in_errors=True)',
        "tests/test_access_token.py::TestClaims::test_a_binding_that_we_cannot_check_is_refused",
    ),
    Sabotage(
        "a client's own token is about a user of the same name",
        TOKEN,
        "        return None if self.sub == self.client_id else self.sub",
        "        return self.sub",
        "tests/test_access_token.py::TestGoodTokens::test_a_clients_own_token_is_about_no_user",
    ),
    Sabotage(
        "a member that comes twice counts once",
        "services/strict_json.py",
        "    if len(found) != len(pairs):",
        "    if not pairs and found:",
        "tests/test_access_token.py::TestHostileJson::test_a_claim_said_twice_is_refused",
    ),
    Sabotage(
        "a bomb of brackets breaks the service",
        "services/strict_json.py",
        "    except RecursionError:",
        "    except ZeroDivisionError:",
        "tests/test_access_token.py::TestHostileJson::test_a_payload_as_deep_as_it_is_long_is_refused_without_a_crash",
    ),
)
