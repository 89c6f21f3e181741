"""Identity headers, read strictly: one header has one meaning, or it is refused."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from services.headers import MAX_CREDENTIAL, asserted_user, asserting, basic_credentials, bearer_token
from services.identity import Identity, Malformed, NoCredentials, Refusal, Unauthenticated, Unavailable
from tests.support import basic, bearer, request

TOKEN = "c2VjcmV0-token_68~x.y/z+w"


def authorization(value: str) -> dict[str, str]:
    """An Authorization header with this very value."""
    return {"Authorization": value}


def encoded(octets: bytes) -> dict[str, str]:
    """Basic credentials that hold these octets."""
    return authorization("Basic " + base64.b64encode(octets).decode())


def refusal(read: Any, *args: Any, **kwargs: Any) -> Refusal:
    """Why the headers of a request are refused; the reason never holds what was shown."""
    asked = request(*args, **kwargs)
    with pytest.raises(Refusal) as caught:
        read(asked)
    for shown in asked.headers.getlist("Authorization"):
        secret = shown.partition(" ")[2]
        assert len(secret) < 6 or secret not in caught.value.reason
    assert "hunter2" not in caught.value.reason
    return caught.value


class TestBearer:
    def test_the_token_is_what_follows_the_scheme(self) -> None:
        assert bearer_token(request(bearer(TOKEN))) == TOKEN

    @pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "bEaReR"])
    def test_the_scheme_may_be_in_any_case(self, scheme: str) -> None:
        assert bearer_token(request(authorization(f"{scheme} {TOKEN}"))) == TOKEN

    @pytest.mark.parametrize("token", ["a", "a=", "a==", "0", "-", "~", "a.b.c", "+/=", "A" * MAX_CREDENTIAL])
    def test_any_token68_is_a_token(self, token: str) -> None:
        assert bearer_token(request(bearer(token))) == token

    @pytest.mark.parametrize("read", [bearer_token, basic_credentials])
    def test_without_a_credential_nothing_was_wrong_with_it(self, read: Any) -> None:
        for headers in ({}, {"Cookie": f"access_token={TOKEN}"}):
            found = refusal(read, headers)
            assert (type(found), found.error) == (Unauthenticated, "")

    @pytest.mark.parametrize(
        "header",
        [
            *("X-Forwarded-Authorization", "X-Authorization", "Proxy-Authorization", "X-Original-Authorization"),
            *("Authentication", "X-Access-Token", "X-Auth-Token", "Access-Token", "DPoP", "X-Amzn-Oidc-Accesstoken"),
        ],
    )
    def test_no_other_header_carries_a_token(self, header: str) -> None:
        assert refusal(bearer_token, {header: f"Bearer {TOKEN}"}).reason == "no credential was shown"

    @pytest.mark.parametrize(
        "value",
        [
            *("Bearer", "Bearer ", "bearer ", "Bearer  ", f"Bearer  {TOKEN}", f"Bearer {TOKEN} x", f"Bearer \t{TOKEN}"),
            *("Bearer =", "Bearer ==", "Bearer a=b", "Bearer a b", "Bearer é", 'Bearer "a"'),
            *("Bearer a;b", "Bearer a:"),
            *("Bearer token=a", "Bearer <a>", "Bearer {}", 'Bearer {"a":1}', "Bearer %00"),
            *("Bearer a\u00a0", "Bearer a\x7f"),
            *("Bearer a*", "Bearer a%", "Bearer [a]", "Bearer a\\b", "Bearer a|b", "Bearer a^b"),
            *("Bearer a'b", "Bearer ²"),
        ],
    )
    def test_a_malformed_token_is_an_invalid_token(self, value: str) -> None:
        found = refusal(bearer_token, authorization(value))
        assert (type(found), found.error) == (Unauthenticated, "invalid_token")
        assert "malformed" in found.reason

    def test_a_newline_after_the_token_is_not_overlooked(self) -> None:
        asked = request()
        for tail in ("\n", "\r\n", "\0", "\x0b", "\u2028"):
            asked.environ["HTTP_AUTHORIZATION"] = f"Bearer {TOKEN}{tail}"
            with pytest.raises(Unauthenticated, match="malformed"):
                bearer_token(asked)

    @pytest.mark.parametrize(
        "value",
        [
            *(f"DPoP {TOKEN}", f"Basic {TOKEN}", "Negotiate YII=", f"Token {TOKEN}", f"JWT {TOKEN}", f"Mac {TOKEN}"),
            *(TOKEN, f"Bearer\t{TOKEN}", f"Bearer={TOKEN}", f"Bearer:{TOKEN}", f"Bearer{TOKEN}", ""),
            *(" ", f" Bearer {TOKEN}"),
            *(f"Bearerx {TOKEN}", f"xBearer {TOKEN}", f"OAuth {TOKEN}", f"Bearer\u00a0{TOKEN}"),
            *(f"GNAP {TOKEN}", "Digest"),
        ],
    )
    def test_another_scheme_is_not_bearer(self, value: str) -> None:
        found = refusal(bearer_token, authorization(value))
        assert (type(found), found.reason) == (Unauthenticated, "the credential shown is not Bearer")

    @pytest.mark.parametrize("read", [bearer_token, basic_credentials])
    @pytest.mark.parametrize(
        "headers",
        [
            [("Authorization", f"Bearer {TOKEN}"), ("Authorization", f"Bearer {TOKEN}")],
            [("Authorization", f"Bearer {TOKEN}"), ("Authorization", "Bearer other")],
            [("Authorization", f"Bearer {TOKEN}"), ("authorization", "Basic YTpi")],
            [("Authorization", "Basic YTpi"), ("Authorization", f"Bearer {TOKEN}")],
            [("Authorization", ""), ("Authorization", f"Bearer {TOKEN}")],
            [("Authorization", f"Bearer {TOKEN}, Bearer {TOKEN}")],
            [("Authorization", f"Bearer {TOKEN},Bearer {TOKEN}")],
            [("Authorization", f"Bearer {TOKEN},")],
            [("Authorization", f", Bearer {TOKEN}")],
            [("Authorization", f"Basic YTpi,Bearer {TOKEN}")],
            [("Authorization", ",")],
        ],
    )
    def test_two_credentials_are_nobodys(self, read: Any, headers: list[tuple[str, str]]) -> None:
        found = refusal(read, headers)
        assert (type(found), found.status, found.error) == (Malformed, 400, "invalid_request")

    @pytest.mark.parametrize(
        "query",
        [
            *(f"access_token={TOKEN}", "access_token=", "access_token", f"a=b&access_token={TOKEN}"),
            *(f"access%5Ftoken={TOKEN}", f"access_token=&access_token={TOKEN}"),
        ],
    )
    @pytest.mark.parametrize("headers", [{}, bearer(TOKEN), basic("alice", "hunter2")], ids=range(3))
    def test_a_token_in_the_query_is_refused_even_beside_a_good_one(self, query: str, headers: dict[str, str]) -> None:
        found = refusal(bearer_token, headers, path=f"/orders?{query}")
        assert (type(found), found.error) == (Malformed, "invalid_request")
        assert TOKEN not in found.reason

    @pytest.mark.parametrize("length", [MAX_CREDENTIAL + 1, 6_000, 60_000, 1_000_000])
    def test_a_huge_token_is_refused(self, length: int) -> None:
        found = refusal(bearer_token, bearer("A" * length))
        assert (type(found), found.error) == (Unauthenticated, "invalid_token")
        assert "larger" in found.reason


class TestBasic:
    @pytest.mark.parametrize("scheme", ["Basic", "basic", "BASIC", "bAsIc"])
    def test_the_scheme_may_be_in_any_case(self, scheme: str) -> None:
        assert basic_credentials(request(authorization(f"{scheme} YWxpY2U6aHVudGVyMg=="))) == ("alice", "hunter2")

    @pytest.mark.parametrize(
        ("user_id", "password"),
        [
            *(("alice", "wonderland"), ("a", "b"), ("alice", ":"), ("alice", "a:b:c"), ("alice", "::"), ("alice", " ")),
            *(("alice", " hunter2 "), ("alice", "pässwörd €"), ("алиса", "пароль"), ("alice", "🙂"), ("alice", "a,b")),
            *(("alice@shop.test", '"\\'), ("x" * 256, "y" * 256), ("alice", "%00"), ("alice", "\u00a0"), (" ", "x")),
        ],
    )
    def test_name_and_password_are_split_at_the_first_colon_and_read_as_utf8(self, user_id: str, password: str) -> None:
        assert basic_credentials(request(basic(user_id, password))) == (user_id, password)

    @pytest.mark.parametrize("octets", [b"alice", b"hunter2hunter2", b"\xe2\x82\xac"])
    def test_credentials_without_a_colon_are_refused(self, octets: bytes) -> None:
        assert "user-id:password" in refusal(basic_credentials, encoded(octets)).reason

    @pytest.mark.parametrize(
        "octets", [b":", b":hunter2", b"alice:", b"::", b"x" * 257 + b":hunter2", b"alice:" + b"x" * 257]
    )
    def test_an_empty_or_overlong_name_or_password_is_refused(self, octets: bytes) -> None:
        found = refusal(basic_credentials, encoded(octets))
        assert (type(found), "user-id:password" in found.reason) == (Unauthenticated, True)

    @pytest.mark.parametrize("control", [*range(0x20), *range(0x7F, 0xA0)], ids=hex)
    def test_a_control_character_is_refused_wherever_it_is(self, control: int) -> None:
        char = chr(control)
        for text in (f"alice:hunter2{char}", f"alice:{char}hunter2", f"alice:hun{char}ter2", f"alice{char}:hunter2"):
            assert "control" in refusal(basic_credentials, encoded(text.encode())).reason
        assert "control" in refusal(basic_credentials, encoded(f"{char}alice:hunter2".encode())).reason

    @pytest.mark.parametrize(
        "octets",
        [
            *(b"alice:hunter2\xff", b"al\xefce:hunter2", b"alice:\xc0\x80"),
            *(b"alice:\xed\xa0\x80", b"alice:\xf5\x80\x80\x80"),
            *("alice:hunter2".encode("utf-16"), "älice:hunter2".encode("latin-1"), b"alice:\xe2\x82", b"\xfe\xff:\xfe"),
        ],
    )
    def test_what_is_not_utf8_is_refused(self, octets: bytes) -> None:
        assert "base64 of UTF-8" in refusal(basic_credentials, encoded(octets)).reason

    @pytest.mark.parametrize(
        "value",
        [
            *("YWxpY2U6aHVudGVyMg", "YWxpY2U6aHVudGVyMg=", "YWxpY2U6aHVudGVyMg===", "A", "AAAAA"),
            *("YWxpY2U6aHVudGVyM-", "~"),
            *("YWxpY2U6aHVudGVyM_==", "YWxp.Y2U6aHVu", "alice~hunter2"),
        ],
    )
    def test_what_is_not_base64_is_refused(self, value: str) -> None:
        assert "base64 of UTF-8" in refusal(basic_credentials, authorization(f"Basic {value}")).reason

    @pytest.mark.parametrize(
        "value",
        [
            *("Basic", "Basic ", "Basic  YTpi", "Basic YTpi YTpi", "Basic YT:pi", "Basic a:b", "Basic =", "Basic é"),
            *("Basic YT\tpi", "Basic YTpi;", "Basic *"),
        ],
    )
    def test_what_is_not_one_token68_is_refused(self, value: str) -> None:
        assert "malformed" in refusal(basic_credentials, authorization(value)).reason

    @pytest.mark.parametrize(
        "value", [f"Bearer {TOKEN}", "Digest username=alice", "YTpi", "Basic:YTpi", "BasicYTpi", ""]
    )
    def test_another_scheme_is_not_basic(self, value: str) -> None:
        assert refusal(basic_credentials, authorization(value)).reason == "the credential shown is not Basic"


class TestAssertedUser:
    @pytest.mark.parametrize("name", ["alice", "a", "a1", "mary-ann", "a" * 63, "a-"])
    def test_the_caller_may_name_a_user(self, name: str) -> None:
        assert asserted_user(request({"X-User": name})) == name

    def test_the_caller_may_act_for_itself(self) -> None:
        assert asserted_user(request()) is None

    @pytest.mark.parametrize(
        "value",
        [
            *("", " ", "Alice", "ALICE", "alice,bob", "alice, bob", "alice bob", "1alice", "-alice"),
            *("a" * 64, "alice\x00"),
            *("alice;", "al_ice", "alice@shop.test", "../alice", "álice", "alicé", "*", "admin'--"),
            *("alice%00", "null\t"),
            *("alice\x7f", '"alice"', "alice=", "spiffe://shop.test/gateway", "ａlice", "a\u0131"),
        ],
    )
    def test_what_is_not_one_user_name_is_refused(self, value: str) -> None:
        asked = request()
        asked.environ["HTTP_X_USER"] = value
        with pytest.raises(Malformed, match="not one user name"):
            asserted_user(asked)

    def test_a_newline_after_the_name_is_not_overlooked(self) -> None:
        asked = request()
        asked.environ["HTTP_X_USER"] = "alice\n"
        with pytest.raises(Malformed):
            asserted_user(asked)

    def test_two_users_are_nobody(self) -> None:
        with pytest.raises(Malformed):
            asserted_user(request([("X-User", "alice"), ("X-User", "bob")]))

    def test_what_is_asserted_is_what_is_read(self) -> None:
        assert asserted_user(request(asserting("alice"))) == "alice"
        assert asserting(None) == {}


class TestIdentity:
    def identity(self, **more: Any) -> Identity:
        return Identity("gateway", "alice", frozenset({"orders:read"}), "idp", "token", **more)

    def test_an_identity_never_shows_its_credential(self) -> None:
        carrying = self.identity(credential="hunter2")
        for text in (repr(carrying), str(carrying), f"{carrying}", f"{carrying!r:>500}", repr([carrying])):
            assert "hunter2" not in text
            assert "alice" in text

    def test_an_identity_cannot_be_changed(self) -> None:
        with pytest.raises(AttributeError):
            self.identity().user = "carol"  # type: ignore[misc]

    def test_a_caller_is_not_proven_unless_the_pattern_says_so(self) -> None:
        assert not self.identity().caller_proven

    @pytest.mark.parametrize(
        ("vouched_by", "proven"),
        [("network", False), ("caller", False), ("password", True), ("idp", True), ("signature", True)],
    )
    def test_a_user_is_proven_by_more_than_the_callers_word(self, vouched_by: Any, proven: bool) -> None:
        assert Identity("gateway", "alice", frozenset(), vouched_by, "").user_proven is proven

    def test_a_refusal_keeps_an_error_code_that_its_class_has_unless_told_another(self) -> None:
        assert Unauthenticated("x").error == ""
        assert Unauthenticated("x", error="invalid_token").error == "invalid_token"
        assert (Unavailable("why").reason, str(NoCredentials("why"))) == ("why", "why")


@pytest.mark.parametrize("encoded", ["YWxpY2U6d29uZGVybGFuZA======", "YWxpY2U6d29uZGVybGFuZB=="])
def test_another_spelling_of_the_same_pair_proves_nobody(encoded: str) -> None:
    with pytest.raises(Unauthenticated, match="base64"):  # which of the two checks notices differs between Pythons
        basic_credentials(request({"Authorization": f"Basic {encoded}"}))
