"""What the identity provider's tokens say, and what it says of them."""

from __future__ import annotations

from scenarios.sabotages.sabotage import Sabotage

INTROSPECT = "idp/introspect.py"
REVOKE = "idp/revoke.py"
TOKENS = "idp/tokens.py"
GRANTS = "tests/test_idp_grants.py"
KINDS = "tests/test_idp_tokens.py"

SABOTAGES = (
    # what is shown for an ID token
    Sabotage(
        "a header that makes no sense is our failure",
        "idp/keys.py",
        "        except (JoseError, TypeError, ValueError):",
        "        except JoseError:",
        "tests/test_idp_browser.py::TestOpenIDConnect::test_a_hint_whose_header_makes_no_sense_is_refused",
    ),
    # introspection and revocation
    Sabotage(
        "a client that is no resource server is told about tokens",
        INTROSPECT,
        " if client.introspect else None",
        "",
        f"{KINDS}::TestIntrospection::test_a_client_that_is_no_resource_server_learns_nothing",
    ),
    Sabotage(
        "a service is told about tokens for others",
        INTROSPECT,
        "    return found if found and client.client_id in (found.aud or []) else None",
        "    return found",
        f"{KINDS}::TestIntrospection::test_a_resource_server_learns_nothing_about_tokens_for_others",
    ),
    Sabotage(
        "a public client may ask about tokens",
        INTROSPECT,
        "provider.clients, PROVING_METHODS)",
        'provider.clients, [*PROVING_METHODS, "none"])',
        f"{KINDS}::TestIntrospection::test_a_public_client_proves_nothing_and_may_not_ask",
    ),
    Sabotage(
        "a client takes back another's tokens",
        REVOKE,
        "        if found and not found.check_client(client):",
        "        if False:",
        f"{KINDS}::TestRevocation::test_another_clients_token_is_refused_and_stays_alive",
    ),
    Sabotage(
        "a revoked refresh token leaves its family alive",
        REVOKE,
        '        if token.kind == "refresh":',
        '        if token.kind == "family":',
        f"{KINDS}::TestRevocation::test_a_revoked_refresh_token_takes_its_family_along",
    ),
    # tokens
    Sabotage(
        "an expired token is active",
        TOKENS,
        " or found.expires <= self._clock():",
        ":",
        f"{KINDS}::TestIntrospection::test_an_expired_token_is_inactive",
    ),
    Sabotage(
        "a revoked token is active",
        TOKENS,
        "        if found is None or found.revoked or",
        "        if found is None or",
        f"{KINDS}::TestRevocation::test_a_revoked_access_token_is_inactive_and_its_refresh_token_still_works",
    ),
    Sabotage(
        "a token of a revoked family is active",
        TOKENS,
        " or found.authorization.revoked or found.expires",
        " or found.expires",
        f"{KINDS}::TestRevocation::test_a_revoked_refresh_token_takes_its_family_along",
    ),
    Sabotage(
        "a disabled person's token is active",
        TOKENS,
        "        if person is None:\n            return None\n",
        "        if person is None:\n            return found\n",
        f"{KINDS}::TestIntrospection::test_a_disabled_persons_token_is_inactive_at_once",
    ),
    Sabotage(
        "a token outlives the password that it was got with",
        TOKENS,
        "        if (found.authorization.user_version or 0) < person.renewed:",
        "        if False:",
        f"{KINDS}::TestIntrospection::test_a_token_from_before_a_new_password_is_inactive_at_once",
    ),
    Sabotage(
        "a scope that was taken away is still there",
        TOKENS,
        "found._replace(scope=granted(found.scope, person))",
        "found",
        f"{KINDS}::TestIntrospection::test_a_scope_taken_from_the_person_is_gone_at_once",
    ),
    Sabotage(
        "a refresh token passes for an access token",
        TOKENS,
        ', tables.tokens.c.kind == sa.bindparam("kind")\n',
        ', sa.bindparam("kind") == sa.bindparam("kind")\n',
        f"{KINDS}::TestUserInfo::test_only_a_persons_live_access_token_is_taken",
    ),
    Sabotage(
        "of many who spend a refresh token, several succeed",
        TOKENS,
        ", tables.tokens.c.spent.is_(False))",
        ")",
        f"{GRANTS}::TestRefresh::test_spending_a_refresh_token_succeeds_once_only",
    ),
    Sabotage(
        "a worker goes on with what it remembers, whatever another has changed",
        "idp/changes.py",
        "            self._bytes[:] = secrets.token_bytes(SIZE)",
        "            self._bytes[:] = bytes([1] * SIZE)",
        f"{KINDS}::TestStore::test_what_one_worker_takes_back_no_other_remembers",
    ),
    Sabotage(
        "what was found before a change is remembered after it",
        TOKENS,
        "self._known.put(name, (state, found))",
        "self._known.put(name, (self._store.state() or state, found))",
        f"{KINDS}::TestStore::test_what_is_found_while_something_changes_is_not_remembered",
    ),
    Sabotage(
        "a revocation tells no other worker",
        "idp/store.py",
        "        with self._changing(), self._engine.begin() as connection:",
        "        begun = self._changing() if self.state() is None else nullcontext()  # the tables are made\n"
        "        with begun, self._engine.begin() as connection:",
        f"{KINDS}::TestStore::test_what_one_worker_takes_back_no_other_remembers",
    ),
    Sabotage(
        "every sweep looks at the same rows",
        "idp/sweeping.py",
        '        self._swept = last if count == MOST else ""',
        '        self._swept = ""',
        f"{KINDS}::TestStore::test_sweeps_go_through_all_there_is_and_begin_again[sqlite]",
    ),
    Sabotage(
        "a sweep takes what has not expired",
        "idp/sweeping.py",
        "after, until, table.c.expires <= sa.bindparam",
        "after, until, table.c.expires > 0 * sa.bindparam",
        f"{KINDS}::TestStore::test_a_sweep_leaves_what_has_not_expired[sqlite]",
    ),
    Sabotage(
        "secrets are stored as they are",
        "idp/store.py",
        '    return hashlib.sha256(secret.encode(errors="surrogatepass")).hexdigest()',
        "    return secret",
        f"{GRANTS}::TestAuthorizationCode::test_no_secret_is_stored_as_it_is",
    ),
    Sabotage(
        "codes and tokens can be guessed",
        "idp/store.py",
        "    return secrets.token_urlsafe(32)",
        "    return secrets.token_urlsafe(8)",
        "tests/test_idp_attacks_tokens.py::TestGuessing::test_it_has_256_bits_that_are_all_in_play",
    ),
    Sabotage(
        "what is being allowed while somebody logs out lives on",
        "idp/code.py",
        '        if not self.server.store.run(steps, only_if=(LOGGED_IN, {"login": login.digest})):',
        "        if not self.server.store.run(steps):",
        f"{KINDS}::TestStore::test_what_is_being_allowed_while_somebody_logs_out_is_not[sqlite]",
    ),
    Sabotage(
        "whoever logs out overtakes what is being allowed",
        "idp/code.py",
        ".with_for_update(read=True)",
        "",
        f"{KINDS}::TestStore::test_whoever_logs_out_waits_for_what_is_being_allowed",
    ),
    Sabotage(
        "a key file is known by its number",
        "idp/keys.py",
        "(name, stat.st_ino, stat.st_mtime_ns)",
        "(name, stat.st_ino, 0)",
        "tests/test_idp_server.py::TestSigningKeys::"
        "test_a_new_file_is_seen_though_it_bears_the_number_of_one_that_is_gone",
    ),
    Sabotage(
        "several that open a new store at once fail",
        "services/store.py",
        '    if connection.dialect.name == "postgresql":',
        "    if False:",
        "tests/test_store.py::test_whoever_makes_tables_keeps_others_from_looking_what_there_is",
    ),
    Sabotage(
        "whoever has a bound token has the claims",
        "idp/userinfo.py",
        "    if token.cnf not in (None, mtls.confirmation()):",
        "    if False:",
        f"{KINDS}::TestUserInfo::test_one_that_is_bound_to_anothers_certificate_is_refused",
    ),
)
