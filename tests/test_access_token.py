"""A self-contained access token, bent in every way we know of: all that is not exactly right is refused.

The cases follow RFC 9068 §4 and RFC 8725.  Where it matters the token is signed with the issuer's own key, so that
what refuses it is the check in question and not the signature.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, ClassVar

import jwt as pyjwt
import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa, utils

from services import access_token
from services.access_token import LEEWAY, Claims, verify
from services.identity import Unauthenticated
from services.keys import Keys
from tests.support import ISSUER, Issuer, b64url

NOW = 2_000_000_000
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
P256_PRIME = 0xFFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

SHAPE = "shape of a signed JWT"
NOT_OURS = r"no such key \(kid\)"
MORE = "asks for more than we do"
BAD_HEADER = "header is malformed"
BAD_TYPE = r"\(typ\)"
ALGORITHM = "algorithm is not the key's"
SIGNATURE = "does not verify"
JSON = "proper JSON"
OBJECT = "a JSON object"
CANONICAL = "canonical base64url"


@dataclass(frozen=True)
class World:
    """The IdP's two signing keys, the set that publishes both, and an attacker's own pair of keys."""

    es: Issuer
    rs: Issuer
    keys: Keys
    mallory: Issuer
    mallory_rs: Issuer


@pytest.fixture(scope="session")
def world() -> World:
    es, rs = Issuer("ES256", "es-1"), Issuer("RS256", "rs-1")
    keys = Keys(lambda: {"keys": es.jwks()["keys"] + rs.jwks()["keys"]})
    return World(es, rs, keys, Issuer("ES256", "es-1"), Issuer("RS256", "rs-1"))


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The service's clock, standing at NOW until it is set."""
    stopped = SimpleNamespace(now=float(NOW))
    monkeypatch.setattr(access_token, "time", SimpleNamespace(time=lambda: stopped.now))
    return stopped


def accepted(world: World, token: str) -> Claims:
    """What a token says that `orders` believes."""
    return verify(token, world.keys, ISSUER, "orders")


def refusal(world: World, token: str) -> str:
    """Why `orders` refuses a token: always a 401 of code `invalid_token`, whose reason does not tell the token."""
    with pytest.raises(Unauthenticated) as caught:
        accepted(world, token)
    assert caught.value.error == "invalid_token"
    assert not any(part in caught.value.reason for part in [token, *token.split(".")] if len(part) > 12)
    return caught.value.reason


def refused(world: World, token: str, because: str) -> None:
    """`orders` refuses the token for this very reason."""
    with pytest.raises(Unauthenticated, match=because):
        raise Unauthenticated(refusal(world, token))


def saying(signer: Issuer, **claims: Any) -> str:
    """A signed token with these claims put over a good one's; unlike in `Issuer.token`, None stands for JSON null."""
    return signer.sign(json.dumps(signer.claims() | claims).encode())


def parts(token: str) -> tuple[str, str, str]:
    """Header, payload and signature of a token."""
    header, payload, signature = token.split(".")
    return header, payload, signature


def members(signer: Issuer, **more: Any) -> bytes:
    """The issuer's own header, with more members."""
    return json.dumps({"alg": signer.algorithm, "kid": signer.kid, "typ": "at+jwt"} | more).encode()


class TestGoodTokens:
    @pytest.mark.parametrize("name", ["es", "rs"])
    def test_a_token_of_the_issuers_is_believed(self, world: World, name: str) -> None:
        claims = accepted(world, getattr(world, name).token())
        assert (claims.sub, claims.client_id, claims.user) == ("alice", "cli", "alice")
        assert claims.scopes == {"orders:read", "orders:write"}
        assert (claims.cnf, claims.act, claims.nbf) == (None, None, None)

    @pytest.mark.parametrize("typ", ["at+jwt", "AT+JWT", "At+Jwt", "application/at+jwt", "application/AT+JWT"])
    def test_the_media_type_may_be_spelt_in_any_case_and_in_full(self, world: World, typ: str) -> None:
        accepted(world, world.es.token({"typ": typ}))

    @pytest.mark.parametrize(
        "aud", ["orders", ["orders"], ["billing", "orders"], ["orders", "orders"], ["x" * 99, "orders"]], ids=str
    )
    def test_a_token_for_us_among_others_is_for_us(self, world: World, aud: Any) -> None:
        accepted(world, world.es.token(aud=aud))

    def test_unknown_claims_change_nothing(self, world: World) -> None:
        granted: dict[str, Any] = {"admin": True, "roles": ["admin"], "groups": ["support"]}
        granted |= {"scp": "orders:refund", "scopes": ["x"]}
        granted |= {"is_admin": 1, "permissions": ["orders:refund"], "user": "root", "authorities": ["ROLE_ADMIN"]}
        claims = accepted(world, world.es.token(**granted))
        assert (claims.user, sorted(claims.scopes)) == ("alice", ["orders:read", "orders:write"])
        assert not hasattr(claims, "admin")

    def test_a_clients_own_token_is_about_no_user(self, world: World) -> None:
        assert accepted(world, world.es.token(sub="cli")).user is None

    def test_a_delegated_token_shows_its_actor_and_the_certificate_it_is_bound_to(self, world: World) -> None:
        act = {"sub": "gateway", "act": {"sub": "cli"}}
        claims = accepted(world, world.es.token(act=act, cnf={"x5t#S256": "A" * 43}))
        assert claims.act == act
        assert claims.cnf is not None
        assert claims.cnf.x5t_s256 == "A" * 43


class TestAlgorithm:
    NONE = ("none", "None", "NONE", "nOnE", "noNE", "NoNe", "none ", " none", "none\0", "nоnе", "nonе", "", "null")

    @pytest.mark.parametrize("alg", NONE)
    @pytest.mark.parametrize("typ", ["at+jwt", "JWT", None])
    @pytest.mark.parametrize("signature", ["", "kept", "A", "bm9uZQ"])
    def test_no_signature_is_no_proof_however_none_is_spelt(
        self, world: World, alg: str, typ: str | None, signature: str
    ) -> None:
        header, payload, kept = parts(world.es.token({"alg": alg, "typ": typ}, sub="carol"))
        token = f"{header}.{payload}.{kept if signature == 'kept' else signature}"
        refused(world, token, SHAPE if not signature else (ALGORITHM if typ == "at+jwt" else BAD_TYPE) + "|base64url")

    @pytest.mark.parametrize("alg", [None, [], ["none"], ["ES256"], {}, {"alg": "ES256"}, True, False, 0, 1, 1.5])
    def test_the_algorithm_has_to_be_a_string(self, world: World, alg: Any) -> None:
        token = world.es.sign_raw(members(world.es, alg=alg), json.dumps(world.es.claims()).encode())
        refused(world, token, BAD_HEADER)

    def test_a_token_that_names_no_algorithm_is_refused(self, world: World) -> None:
        refused(world, world.es.token({"alg": None}), ALGORITHM)

    @pytest.mark.parametrize("alg", ["es256", "Es256", "ES256 ", " ES256", "ES256\0", "ES256K", "ES", "EdDSA", "dir"])
    def test_the_algorithm_is_compared_exactly(self, world: World, alg: str) -> None:
        refused(world, world.es.token({"alg": alg}), ALGORITHM)

    @pytest.mark.parametrize("alg", ["RS384", "RS512", "PS256", "PS384", "PS512"])
    def test_each_key_has_one_algorithm_even_for_whoever_holds_the_key(self, world: World, alg: str) -> None:
        header = {"kid": "rs-1", "typ": "at+jwt"}
        refused(world, pyjwt.encode(world.rs.claims(), world.rs.key, algorithm=alg, headers=header), ALGORITHM)

    @pytest.mark.parametrize(("kid", "alg"), [("rs-1", "ES256"), ("es-1", "RS256"), ("rs-1", "HS256")])
    def test_an_algorithm_of_another_key_in_the_set_is_refused(self, world: World, kid: str, alg: str) -> None:
        refused(world, world.es.token({"kid": kid, "alg": alg}), ALGORITHM)
        refused(world, world.rs.token({"kid": kid, "alg": alg}), ALGORITHM)

    def test_the_other_keys_id_does_not_make_a_signature_good(self, world: World) -> None:
        refused(world, world.es.token({"kid": "rs-1", "alg": "RS256"}), SIGNATURE)
        refused(world, world.rs.token({"kid": "es-1", "alg": "ES256"}), SIGNATURE)


def _public_forms(signer: Issuer) -> Iterator[bytes]:
    """The public key in every form that some library would take for an HMAC secret."""
    public = signer.key.public_key()
    encoding, form = serialization.Encoding, serialization.PublicFormat
    pem, jwk = signer.public_pem(), signer.jwks()["keys"][0]
    yield from (pem, pem.strip(), pem.replace(b"\n", b"\r\n"), pem.replace(b"\n", b""), pem + b"\n", pem + b"\0")
    yield b"".join(pem.strip().split(b"\n")[1:-1])
    yield public.public_bytes(encoding.DER, form.SubjectPublicKeyInfo)
    yield public.public_bytes(encoding.OpenSSH, form.OpenSSH)
    yield from (json.dumps(jwk).encode(), json.dumps(jwk, separators=(",", ":"), sort_keys=True).encode())
    yield json.dumps(signer.jwks()).encode()
    for number in ("n", "e") if signer.algorithm == "RS256" else ("x", "y"):
        yield from (jwk[number].encode(), base64.urlsafe_b64decode(jwk[number] + "=="))
    if signer.algorithm == "RS256":
        yield from (public.public_bytes(how, form.PKCS1) for how in (encoding.PEM, encoding.DER))
    else:
        yield from (public.public_bytes(encoding.X962, how) for how in (form.UncompressedPoint, form.CompressedPoint))


class TestSecretKeys:
    """An HMAC proves nothing here, whatever its key: the services hold no secret that could verify one."""

    @staticmethod
    def hmac_token(signer: Issuer, bits: int, secret: bytes, alg: str | None = None, kid: str | None = None) -> str:
        header = members(signer, alg=alg or f"HS{bits}", kid=kid or signer.kid)
        message = f"{b64url(header)}.{b64url(json.dumps(signer.claims(sub='carol')).encode())}"
        return f"{message}.{b64url(hmac.new(secret, message.encode(), f'sha{bits}').digest())}"

    @pytest.mark.parametrize("bits", [256, 384, 512])
    @pytest.mark.parametrize("name", ["es", "rs"])
    def test_a_public_key_is_not_a_shared_secret(self, world: World, name: str, bits: int) -> None:
        signer: Issuer = getattr(world, name)
        forms = list(_public_forms(signer))
        assert len(set(forms)) >= 16
        for secret in forms:
            refused(world, self.hmac_token(signer, bits, secret), ALGORITHM)
            refused(world, self.hmac_token(signer, bits, secret, alg=signer.algorithm), SIGNATURE)

    @pytest.mark.parametrize("secret", [b"", b"\0", b"\0" * 32, b"secret", b"changeme", b"password", b"es-1", b"{}"])
    @pytest.mark.parametrize("kid", ["es-1", "../../../../dev/null", "/dev/null", "' UNION SELECT 'secret' --"])
    def test_a_secret_that_can_be_guessed_opens_nothing(self, world: World, secret: bytes, kid: str) -> None:
        refused(world, self.hmac_token(world.es, 256, secret, kid=kid), f"{ALGORITHM}|{NOT_OURS}")


class TestForeignKeys:
    def test_a_key_of_the_same_id_is_not_the_same_key(self, world: World) -> None:
        refused(world, world.mallory.token(), SIGNATURE)
        refused(world, world.mallory_rs.token(), SIGNATURE)

    @pytest.mark.parametrize("alg", ["PS256", "EdDSA", "ES384", "ES512"])
    def test_a_key_of_another_kind_under_the_same_id_is_refused(self, world: World, alg: str) -> None:
        own: dict[str, Callable[[], Any]] = {
            "PS256": lambda: world.mallory_rs.key,
            "EdDSA": ed25519.Ed25519PrivateKey.generate,
            "ES384": lambda: ec.generate_private_key(ec.SECP384R1()),
            "ES512": lambda: ec.generate_private_key(ec.SECP521R1()),
        }
        header = {"kid": "es-1", "typ": "at+jwt"}
        refused(world, pyjwt.encode(world.es.claims(), own[alg](), algorithm=alg, headers=header), ALGORITHM)

    KIDS = (
        *("es-2", "ES-1", "es-1 ", " es-1", "es-1\0", "es-1/", "es-", "", "0", "*", "%", "es-1,rs-1", "есть-1"),
        *("../../dev/null", "../es-1", "/etc/passwd", "file:///etc/passwd", "C:\\Windows\\win.ini", "es-1\0.pem"),
        *("' OR '1'='1", "' UNION SELECT 'secret' --", "*)(uid=*))(|(uid=*", "$(id)", "`id`", "es-1; id", "|id"),
        *("es-1\r\nSet-Cookie: a=b", "\n", "${jndi:ldap://127.0.0.1/a}", "{{7*7}}", "%00", "%2e%2e%2f", "\ud800"),
        *("http://127.0.0.1:19499/jwks.json", "__proto__", "__class__", "keys", "toString", "x" * 600),
    )

    @pytest.mark.parametrize("kid", KIDS, ids=range(len(KIDS)))
    def test_a_key_id_is_looked_up_and_never_interpreted(self, world: World, kid: str) -> None:
        refused(world, world.es.token({"kid": kid}), NOT_OURS)

    def test_a_key_id_of_five_kilobytes_is_not_even_read(self, world: World) -> None:
        refused(world, world.es.token({"kid": "x" * 5000}), SHAPE)

    @pytest.mark.parametrize("kid", [None, [], ["es-1"], {}, {"es-1": 1}, 0, 1, True, 1.5], ids=str)
    def test_a_key_id_has_to_be_a_string(self, world: World, kid: Any) -> None:
        refused(world, world.es.sign_raw(members(world.es, kid=kid), b"{}"), BAD_HEADER)

    def test_a_token_that_names_no_key_is_refused(self, world: World) -> None:
        refused(world, world.es.token({"kid": None}), NOT_OURS)


class TestHeaderMembers:
    """A header that asks for anything beyond alg, kid and typ is refused, even when the issuer itself signed it."""

    MEMBERS: tuple[dict[str, Any], ...] = (
        {"jwk": {"kty": "oct", "k": "AAAA"}},
        {"jku": "http://127.0.0.1:19499/jwks.json"},
        {"jku": "https://idp.test:9443/jwks"},
        {"jku": "file:///etc/passwd"},
        {"x5u": "http://127.0.0.1:19499/leaf.pem"},
        {"x5u": "http://169.254.169.254/latest/meta-data/"},
        {"x5c": ["MIIB"]},
        {"x5c": []},
        {"x5t": "AAAA"},
        {"x5t#S256": "A" * 43},
        {"crit": ["http://x/y"]},
        {"crit": ["b64"], "b64": True},
        {"crit": ["b64"], "b64": False},
        {"crit": ["alg"]},
        {"crit": ["exp"], "exp": NOW},
        {"crit": []},
        {"crit": "alg"},
        {"crit": {}},
        {"b64": True},
        {"b64": False},
        {"b64": "false"},
        {"zip": "DEF"},
        {"enc": "A256GCM"},
        {"p2c": 2_147_483_647, "p2s": "AAAA"},
        {"epk": {}},
        {"apu": "AAAA"},
        {"iv": "AAAA", "tag": "AAAA"},
        {"cty": "JWT"},
        {"cty": "at+jwt"},
        {"nonce": "x"},
        {"url": "https://orders"},
        {"ppt": "shaken"},
        {"iss": ISSUER},
        {"sub": "alice"},
        {"aud": "orders"},
        {"Alg": "none"},
        {"ALG": "ES256"},
        {"alg ": "ES256"},
        {"Kid": "es-1"},
        {"typ\0": "at+jwt"},
        {"": ""},
        {"\ud800": ""},
        {"__proto__": {"alg": "none"}},
    )

    @pytest.mark.parametrize("more", MEMBERS, ids=str)
    def test_a_header_that_asks_for_more_is_refused(self, world: World, more: dict[str, Any]) -> None:
        refused(world, world.es.token(more), MORE)
        refused(world, world.mallory.token(more), MORE)

    def test_a_null_member_counts_as_a_member(self, world: World) -> None:
        refused(world, world.es.sign_raw(members(world.es, crit=None), b"{}"), MORE)

    def test_a_key_that_the_token_brings_along_is_not_used(self, world: World) -> None:
        jwk = world.mallory.jwks()["keys"][0]
        for kid in ("es-1", "other"):
            refused(world, world.mallory.token({"jwk": jwk | {"kid": kid}, "kid": kid}), MORE)

    def test_nothing_that_a_token_points_at_is_fetched(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        accepted(world, world.es.token())  # the keys are here

        def connect(*_: Any) -> None:
            raise AssertionError("a connection was made")

        for name in ("connect", "connect_ex", "sendto"):
            monkeypatch.setattr(socket.socket, name, connect)
        for member in ("jku", "x5u", "kid", "iss", "jwk", "url"):
            refusal(world, world.mallory.token({member: "http://127.0.0.1:19499/jwks.json"}))

    TYPES = (
        *("JWT", "jwt", "", " ", "at", "at+jwt ", " at+jwt", "at+jwt\0", "at+JWT;v=1", "at+jwt,JWT"),
        *("at+jwts", "xat+jwt"),
        *("application/jwt", "application/at+jwt;charset=utf-8", "application//at+jwt", "text/at+jwt", "at%2Bjwt"),
        *("logout+jwt", "secevent+jwt", "dpop+jwt", "token-introspection+jwt", "JOSE", "JOSE+JSON"),
        *("id_token", "at jwt"),
        *("client-authentication+jwt", "oauth-authz-req+jwt", "kb+jwt", "at-jwt", "аt+jwt", "aT+Jẅt", "rt+jwt"),
    )

    @pytest.mark.parametrize("typ", TYPES)
    def test_another_kind_of_token_is_not_an_access_token(self, world: World, typ: str) -> None:
        refused(world, world.es.token({"typ": typ}), BAD_TYPE)

    def test_a_token_that_does_not_say_its_kind_is_refused(self, world: World) -> None:
        refused(world, world.es.token({"typ": None}), BAD_TYPE)

    @pytest.mark.parametrize("typ", [None, [], ["at+jwt"], {}, {"at+jwt": 1}, 0, 1, True], ids=str)
    def test_the_kind_has_to_be_a_string(self, world: World, typ: Any) -> None:
        refused(world, world.es.sign_raw(members(world.es, typ=typ), b"{}"), BAD_HEADER)

    def test_an_id_token_is_not_an_access_token(self, world: World) -> None:
        claims = {"aud": "orders", "nonce": "n", "at_hash": "x", "azp": "orders", "auth_time": NOW}
        refused(world, world.es.token({"typ": "JWT"}, **claims), BAD_TYPE)
        refused(world, world.es.token({"typ": None}, **claims), BAD_TYPE)


class TestSignature:
    def test_changing_any_character_of_a_token_spoils_it(self, world: World) -> None:
        token = world.es.token()
        for at, shown in enumerate(token):
            for other in {ALPHABET[(ALPHABET.find(shown) + step) % 64] for step in (1, 32)} - {shown}:
                refusal(world, token[:at] + other + token[at + 1 :])

    def test_removing_any_character_of_a_token_spoils_it(self, world: World) -> None:
        token = world.es.token()
        for at in range(len(token)):
            refusal(world, token[:at] + token[at + 1 :])

    def test_the_signature_of_one_token_is_no_good_for_another(self, world: World) -> None:
        header, payload, _ = parts(world.es.token(sub="carol"))
        _, _, seen = parts(world.es.token())
        refused(world, f"{header}.{payload}.{seen}", SIGNATURE)

    def test_a_payload_cannot_be_put_under_another_header(self, world: World) -> None:
        header, _, signature = parts(world.es.token())
        payload = b64url(json.dumps(world.es.claims(sub="carol")).encode())
        refused(world, f"{header}.{payload}.{signature}", SIGNATURE)

    @staticmethod
    def degenerate() -> dict[str, bytes]:
        n, p, top = P256_ORDER, P256_PRIME, 2**256 - 1
        pairs = [(0, 0), (0, 1), (1, 0), (1, 1), (n, n), (n, 0), (0, n), (n, 1), (1, n), (n - 1, n - 1), (n + 1, 1)]
        pairs += [(1, n + 1), (p, p), (p, 1), (1, p), (p - n, 1), (top, top), (top, 1)]
        pairs += [(0, top), (n - 1, 1), (1, n - 1)]
        found = {f"r={r:x} s={s:x}": r.to_bytes(32, "big") + s.to_bytes(32, "big") for r, s in pairs}
        found |= {f"{length} zero octets": b"\0" * length for length in (1, 2, 8, 32, 63, 65, 72, 96, 127, 128, 512)}
        found |= {f"DER r={r} s={s}": utils.encode_dss_signature(r, s) for r, s in [(0, 0), (1, 1), (n, n)]}
        return found | {"empty sequence": b"\x30\x00", "text": b"signature"}

    @pytest.mark.parametrize("name", ["es", "rs"])
    def test_a_degenerate_signature_proves_nothing(self, world: World, name: str) -> None:
        header, payload, _ = parts(getattr(world, name).token())
        for signature in self.degenerate().values():
            refused(world, f"{header}.{payload}.{b64url(signature)}", SIGNATURE)

    def test_a_good_signature_in_another_encoding_is_refused(self, world: World) -> None:
        token = world.es.token()
        header, payload, _ = parts(token)
        der = world.es.key.sign(f"{header}.{payload}".encode(), ec.ECDSA(hashes.SHA256()))
        r, s = utils.decode_dss_signature(der)
        raw = r.to_bytes(32, "big") + s.to_bytes(32, "big")
        accepted(world, f"{header}.{payload}.{b64url(raw)}")
        swapped, longer = raw[32:] + raw[:32], r.to_bytes(48, "big") + s.to_bytes(48, "big")
        past = (r + P256_ORDER).to_bytes(33, "big") + s.to_bytes(33, "big")
        cut_or_padded = (der + b"\0", raw + b"\0", b"\0" + raw, raw[:-1], raw[1:], raw * 2, raw[::-1])
        for other in (der, swapped, longer, past, *cut_or_padded):
            refused(world, f"{header}.{payload}.{b64url(other)}", SIGNATURE)

    def test_an_rsa_signature_has_exactly_one_encoding(self, world: World) -> None:
        header, payload, signature = parts(world.rs.token())
        raw = base64.urlsafe_b64decode(signature + "==")
        number, modulus = int.from_bytes(raw, "big"), world.rs.key.public_key().public_numbers().n
        for other in (raw + b"\0", b"\0" + raw, raw[:-1], raw[::-1], (modulus - number).to_bytes(256, "big"), b"\x01"):
            refused(world, f"{header}.{payload}.{b64url(other)}", SIGNATURE)

    def test_a_bare_hash_is_not_a_signature(self, world: World) -> None:
        for signer in (world.es, world.rs):
            header, payload, _ = parts(signer.token())
            digest = hashlib.sha256(f"{header}.{payload}".encode()).digest()
            for forged in (digest, digest * 2, digest * 8):
                refused(world, f"{header}.{payload}.{b64url(forged)}", SIGNATURE)


class TestShape:
    """The compact form of three non-empty base64url parts is the only form (RFC 7515 §7.1)."""

    @pytest.mark.parametrize(
        "bent",
        [
            *("", ".", "..", "...", "....", "a", "a.b", "a.b.", ".b.c", "a..c", "a.b.c.d", "a.b.c."),
            *(".a.b.c", "a b.c.d"),
            *("opaque-token-of-another-kind", "null", "undefined", "{}", "[]", "%00", "\0", "\n", "é.é.é", "a.b.c\n"),
            *("..c", ".b.", "a..", "a.b.c.d.e", "a.b.c.d.e.f", "....e", "a;b.c.d", "a.b,c.d", "a.b.c#"),
            *("a.b.c?", "'a'.b.c"),
        ],
    )
    def test_what_is_not_three_parts_is_refused(self, world: World, bent: str) -> None:
        refused(world, bent, SHAPE)

    BENT: ClassVar[dict[str, Callable[[str, str, str], str]]] = {
        "signature stripped": lambda h, p, s: f"{h}.{p}.",
        "signature and dot stripped": lambda h, p, s: f"{h}.{p}",
        "one part more": lambda h, p, s: f"{h}.{p}.{s}.{s}",
        "five parts": lambda h, p, s: f"{h}.{p}.{s}.{p}.{s}",
        "five parts, empty between": lambda h, p, s: f"{h}..{p}.{s}.",
        "detached payload": lambda h, p, s: f"{h}..{s}",
        "header missing": lambda h, p, s: f".{p}.{s}",
        "header twice": lambda h, p, s: f"{h}.{h}.{p}.{s}",
        "two tokens": lambda h, p, s: f"{h}.{p}.{s} {h}.{p}.{s}",
        "two tokens, comma": lambda h, p, s: f"{h}.{p}.{s},{h}.{p}.{s}",
        "header padded": lambda h, p, s: f"{h}=.{p}.{s}",
        "payload padded": lambda h, p, s: f"{h}.{p}=.{s}",
        "signature padded": lambda h, p, s: f"{h}.{p}.{s}==",
        "one padding too few": lambda h, p, s: f"{h}.{p}.{s}=",
        "standard alphabet +": lambda h, p, s: f"{h}.{p}.+{s[1:]}",
        "standard alphabet /": lambda h, p, s: f"{h}.{p}./{s[1:]}",
        "space before": lambda h, p, s: f" {h}.{p}.{s}",
        "space after": lambda h, p, s: f"{h}.{p}.{s} ",
        "newline after": lambda h, p, s: f"{h}.{p}.{s}\n",
        "CRLF after": lambda h, p, s: f"{h}.{p}.{s}\r\n",
        "newline within": lambda h, p, s: f"{h[:9]}\n{h[9:]}.{p}.{s}",
        "tab within": lambda h, p, s: f"{h}.{p[:9]}\t{p[9:]}.{s}",
        "space within": lambda h, p, s: f"{h}.{p}.{s[:9]} {s[9:]}",
        "space round the dot": lambda h, p, s: f"{h} . {p} . {s}",
        "NUL after": lambda h, p, s: f"{h}.{p}.{s}\0",
        "NUL within": lambda h, p, s: f"{h}.{p}.\0{s}",
        "percent encoded": lambda h, p, s: f"{h}%2E{p}%2E{s}",
        "full-width letter": lambda h, p, s: f"{h}.{p}.Ａ{s[1:]}",
        "full-width digit": lambda h, p, s: f"{h}.{p}.１{s[1:]}",
        "full-width stop": lambda h, p, s: f"{h}．{p}．{s}",
        "long s": lambda h, p, s: f"{h}.{p}.ſ{s[1:]}",
        "Kelvin sign": lambda h, p, s: f"{h}.{p}.\u212a{s[1:]}",
        "zero-width space": lambda h, p, s: f"{h}.{p}.{s}\u200b",
        "byte order mark": lambda h, p, s: f"\ufeff{h}.{p}.{s}",
        "quoted": lambda h, p, s: f'"{h}.{p}.{s}"',
        "scheme twice": lambda h, p, s: f"Bearer {h}.{p}.{s}",
        "colon": lambda h, p, s: f"{h}:{p}:{s}",
        "tilde": lambda h, p, s: f"{h}.{p}.{s}~",
        "flattened JSON": lambda h, p, s: json.dumps({"protected": h, "payload": p, "signature": s}),
        "general JSON": lambda h, p, s: json.dumps({"payload": p, "signatures": [{"protected": h, "signature": s}]}),
        "JSON around a token": lambda h, p, s: json.dumps({f"{h}.": 1, "payload": p, "protected": h, f".{s}": 1}),
        "forged payload beside": lambda h, p, s: '{"payload":"e30","x":"' + f'{h}.{p}.{s}"' + "}",
    }

    @pytest.mark.parametrize("bend", BENT.values(), ids=BENT)
    def test_a_good_token_written_another_way_is_refused(
        self, world: World, bend: Callable[[str, str, str], str]
    ) -> None:
        refused(world, bend(*parts(world.es.token())), SHAPE)

    @pytest.mark.parametrize("which", [0, 1, 2], ids=["header", "payload", "signature"])
    def test_spare_bits_have_to_be_zero(self, world: World, which: int) -> None:
        header, payload = members(world.es), json.dumps(world.es.claims()).encode()
        header += b" " * (-len(header) % 3 + 1)  # white space, so that a last character has bits to spare
        payload += b" " * (-len(payload) % 3 + 1)
        token = world.es.sign_raw(header, payload)
        accepted(world, token)
        found = list(parts(token))
        for spare in range(1, 16):
            loose = [*found]
            loose[which] = found[which][:-1] + ALPHABET[ALPHABET.index(found[which][-1]) + spare]
            # signed as written: only the spelling is wrong
            refused(world, ".".join(loose) if which == 2 else world.es.sign_text(".".join(loose[:2])), CANONICAL)

    @pytest.mark.parametrize("which", [0, 1, 2], ids=["header", "payload", "signature"])
    def test_a_part_of_an_impossible_length_is_refused(self, world: World, which: int) -> None:
        found = list(parts(world.es.token()))
        found[which] = found[which][: len(found[which]) // 4 * 4] + "A"
        refused(world, ".".join(found), "not base64url")

    @pytest.mark.parametrize("size", [6_000, 60_000, 6_000_000])
    def test_a_huge_token_is_refused_without_work(self, world: World, size: int) -> None:
        header, payload, signature = parts(world.es.token())
        tokens = (
            f"{'A' * size}.{payload}.{signature}",
            f"{header}.{'A' * size}.{signature}",
            f"{header}.{payload}.{'A' * size}",
            "A" * size,
            "." * size,
            "a." * (size // 2),
        )
        began = time.process_time()
        for huge in tokens:
            with pytest.raises(Unauthenticated):
                accepted(world, huge)
        assert time.process_time() - began < 1
        for huge in tokens:
            refused(world, huge, SHAPE)  # which looks for each part of it in the reason, and so takes longer

    def test_each_part_has_its_own_limit(self, world: World) -> None:
        wide = world.es.token(note="x" * 1800)
        assert 2048 < len(wide.split(".")[1]) <= 3072
        accepted(world, wide)
        refused(world, world.es.token(note="x" * 2304), SHAPE)
        refused(world, world.es.sign_raw(members(world.es) + b" " * 800, b"{}"), SHAPE)
        header, payload, _ = parts(world.es.token())
        refused(world, f"{header}.{payload}.{'A' * 1025}", SHAPE)

    @pytest.mark.parametrize(
        "header",
        [
            {"alg": "RSA-OAEP", "enc": "A256GCM"},
            {"alg": "RSA1_5", "enc": "A128CBC-HS256"},
            {"alg": "dir", "enc": "A256GCM", "zip": "DEF"},
            {"alg": "PBES2-HS256+A128KW", "enc": "A128GCM", "p2c": 2_147_483_647, "p2s": "AAAA"},
            {"alg": "ECDH-ES", "enc": "A256GCM", "epk": {"kty": "EC"}},
        ],
        ids=lambda header: str(header["alg"]),
    )
    def test_an_encrypted_token_is_not_a_signed_one(self, world: World, header: dict[str, Any]) -> None:
        began = time.process_time()
        shown = b64url(json.dumps(header | {"kid": "es-1", "typ": "at+jwt"}).encode())
        refused(world, f"{shown}.AAAA.AAAA.AAAA.AAAA", SHAPE)
        refused(world, f"{shown}..AAAA.AAAA.AAAA", SHAPE)
        refused(world, f"{shown}.AAAA.AAAA", MORE)
        assert time.process_time() - began < 1

    def test_a_token_within_a_token_is_refused(self, world: World) -> None:
        inner = world.es.token()
        refused(world, world.es.sign(inner.encode()), JSON)
        refused(world, world.es.sign(json.dumps(inner).encode()), OBJECT)
        refused(world, world.es.sign(inner.encode(), {"cty": "JWT"}), MORE)
        refused(world, world.es.sign(json.dumps({"jwt": inner}).encode()), "missing or malformed claims")


def _utf16(text: str) -> bytes:
    return text.encode("utf-16")


class TestHostileJson:
    """Header and payload are each one JSON object in UTF-8, no member said twice, nothing that JSON does not have."""

    SPOILT: ClassVar[dict[str, Callable[[str], bytes]]] = {
        "UTF-16 with BOM": _utf16,
        "UTF-16 LE": lambda text: text.encode("utf-16-le"),
        "UTF-16 BE": lambda text: text.encode("utf-16-be"),
        "UTF-32": lambda text: text.encode("utf-32"),
        "UTF-8 with BOM": lambda text: text.encode("utf-8-sig"),
        "UTF-7-like": lambda text: text.replace("{", "+AHs-").encode(),
        "latin-1": lambda text: (text[:-1] + ',"é":1}').encode("latin-1"),
        "overlong": lambda text: text[:-1].encode() + b',"\xc0\x80":1}',
        "surrogate octets": lambda text: text[:-1].encode() + b',"\xed\xa0\x80":1}',
        "stray octet": lambda text: text.encode() + b"\xff",
        "NaN": lambda text: f'{text[:-1]},"x":NaN}}'.encode(),
        "Infinity": lambda text: f'{text[:-1]},"x":Infinity}}'.encode(),
        "-Infinity": lambda text: f'{text[:-1]},"x":-Infinity}}'.encode(),
        "nested NaN": lambda text: f'{text[:-1]},"x":[{{"y":NaN}}]}}'.encode(),
        "duplicate member": lambda text: f'{text[:-1]},"x":1,"x":1}}'.encode(),
        "empty name twice": lambda text: f'{text[:-1]},"":1,"":2}}'.encode(),
        "duplicate below": lambda text: f'{text[:-1]},"x":{{"a":1,"a":2}}}}'.encode(),
        "duplicate, escaped": lambda text: f'{text[:-1]},"x":1,"\\u0078":1}}'.encode(),
        "trailing comma": lambda text: f"{text[:-1]},}}".encode(),
        "trailing garbage": lambda text: f"{text}x".encode(),
        "trailing NUL": lambda text: f"{text}\0".encode(),
        "two objects": lambda text: f"{text}{text}".encode(),
        "two lines": lambda text: f"{text}\n{text}".encode(),
        "comment": lambda text: f"{text[:-1]}/* */}}".encode(),
        "line comment": lambda text: f"{text}// x".encode(),
        "single quotes": lambda text: text.replace('"', "'").encode(),
        "unquoted name": lambda text: f"{text[:-1]},x:1}}".encode(),
        "cut short": lambda text: text[:-1].encode(),
        "control character": lambda text: f'{text[:-1]},"x":"\n"}}'.encode(),
        "bad escape": lambda text: f'{text[:-1]},"x":"\\x41"}}'.encode(),
        "leading zero": lambda text: f'{text[:-1]},"x":01}}'.encode(),
        "hexadecimal": lambda text: f'{text[:-1]},"x":0x1}}'.encode(),
        "vertical tab": lambda text: b"\x0b" + text.encode(),
        "no-break space": lambda text: "\u00a0".encode() + text.encode(),
        "deep arrays": lambda text: b"[" * 700,
        "deep objects": lambda text: b'{"a":' * 140,
        "nothing": lambda text: b" ",
        "a word": lambda text: b"alice",
        "undefined": lambda text: b"undefined",
    }

    @pytest.mark.parametrize("spoil", SPOILT.values(), ids=SPOILT)
    @pytest.mark.parametrize("part", ["header", "payload"])
    def test_what_is_not_proper_json_is_refused(self, world: World, part: str, spoil: Callable[[str], bytes]) -> None:
        header, payload = members(world.es), json.dumps(world.es.claims()).encode()
        if part == "header":
            header = spoil(header.decode())
        else:
            payload = spoil(payload.decode())
        refused(world, world.es.sign_raw(header, payload), JSON)

    @pytest.mark.parametrize("value", ["[]", "[{}]", '"x"', "1", "0", "null", "true", "false", "1.5", '""', "1e999"])
    @pytest.mark.parametrize("part", ["header", "payload"])
    def test_json_that_is_not_an_object_is_refused(self, world: World, part: str, value: str) -> None:
        header, payload = members(world.es), value.encode()
        if part == "header":
            header, payload = value.encode(), json.dumps(world.es.claims()).encode()
        refused(world, world.es.sign_raw(header, payload), OBJECT)

    @pytest.mark.parametrize("claim", ["sub", "aud", "iss", "exp", "scope", "client_id", "cnf", "jti"])
    def test_a_claim_said_twice_is_refused(self, world: World, claim: str) -> None:
        claims = json.dumps(world.es.claims(cnf={"x5t#S256": "A" * 43}))
        said = json.dumps(world.es.claims(cnf={"x5t#S256": "A" * 43})[claim])
        for name in (claim, f"\\u{ord(claim[0]):04x}{claim[1:]}"):
            refused(world, world.es.sign(f'{claims[:-1]},"{name}":{said}}}'.encode()), JSON)
            refused(world, world.es.sign(f'{{"{name}":{said},{claims[1:]}'.encode()), JSON)

    @pytest.mark.parametrize("member", ["alg", "kid", "typ"])
    def test_a_header_member_said_twice_is_refused(self, world: World, member: str) -> None:
        header, claims = members(world.es).decode(), json.dumps(world.es.claims()).encode()
        for other in ("none", json.loads(header)[member]):
            refused(world, world.es.sign_raw(f'{header[:-1]},"{member}":"{other}"}}'.encode(), claims), JSON)
            refused(world, world.es.sign_raw(f'{{"{member}":"{other}",{header[1:]}'.encode(), claims), JSON)

    @pytest.mark.parametrize("opening", ["[", '{"a":', '[{"a":'])
    def test_a_payload_as_deep_as_it_is_long_is_refused_without_a_crash(self, world: World, opening: str) -> None:
        closing = "".join({"[": "]", "{": "}"}.get(char, "") for char in reversed(opening))
        depth = 2200 // (len(opening) + len(closing))
        deep = f'{{"x":{opening * depth}1{closing * depth}}}'
        refusal(world, world.es.sign(deep.encode()))
        refusal(world, world.mallory.sign(deep.encode()))
        refused(world, world.es.sign(f'{{"x":{"[" * 2250}'.encode()), JSON)

    def test_a_header_value_that_is_deep_is_not_a_string(self, world: World) -> None:
        deep = f'{{"alg":{"[" * 300}{"]" * 300},"kid":"es-1","typ":"at+jwt"}}'
        refused(world, world.es.sign_raw(deep.encode(), b"{}"), BAD_HEADER)

    def test_a_number_of_thousands_of_digits_costs_nothing(self, world: World) -> None:
        began = time.process_time()
        for number in ("9" * 2000, "-" + "9" * 2000, "1e2000", "0." + "9" * 2000, "1" * 1990 + "e9"):
            claims = json.dumps(world.es.claims()).replace('"exp": ', f'"exp": {number}, "x": ')
            refused(world, world.es.sign(claims.encode()), "claims: exp|JSON")
        refused(world, world.es.sign_raw(b'{"alg":' + b"9" * 4400 + b"}", b"{}"), SHAPE)
        assert time.process_time() - began < 1

    @pytest.mark.parametrize("claim", ["sub", "iss", "aud", "scope", "client_id", "jti"])
    def test_a_lone_surrogate_is_no_character(self, world: World, claim: str) -> None:
        refusal(world, saying(world.es, **{claim: "alice\ud800"}))


REQUIRED = ("iss", "aud", "sub", "client_id", "jti", "exp", "iat")
STRINGS = ("iss", "sub", "client_id", "jti")
TIMES = ("exp", "iat", "nbf")
HOSTILE = (
    *("", " ", "alice ", " alice", "alice bob", "alice\0", "\0", "alice\n"),
    *("alice\r\nlevel=INFO user=carol", "al\tice"),
    *("alicé", "аlice", "ａlice", "alice\u200b", "\u202ealice", "\ufeffalice", "alice\x7f", "alice\x1b[31m", "\u2028"),
    *("a" * 257, "a" * 1500, "\x85", "\ud800", "🙂", "alice\u00a0"),
)


class TestClaims:
    """Each claim is there and of the type that RFC 9068 §2.2 gives it."""

    @pytest.mark.parametrize("claim", REQUIRED)
    def test_a_required_claim_cannot_be_left_out(self, world: World, claim: str) -> None:
        refused(world, world.es.token(**{claim: None}), f"malformed claims: {claim}$")

    def test_all_that_is_wrong_is_named(self, world: World) -> None:
        missing = sorted(REQUIRED, key=list(Claims.model_fields).index)
        refused(world, world.es.sign(b"{}"), f"claims: {', '.join(missing)}$")

    @pytest.mark.parametrize("claim", STRINGS)
    @pytest.mark.parametrize("value", [None, 0, 1, 1.5, True, False, [], ["alice"], {}, {"alice": 1}], ids=str)
    def test_a_name_has_to_be_a_string(self, world: World, claim: str, value: Any) -> None:
        refused(world, saying(world.es, **{claim: value}), f"malformed claims: {claim}$")

    @pytest.mark.parametrize("claim", ["sub", "client_id", "jti"])
    @pytest.mark.parametrize("value", HOSTILE, ids=range(len(HOSTILE)))
    def test_a_name_is_a_few_visible_ascii_characters(self, world: World, claim: str, value: str) -> None:
        refused(world, saying(world.es, **{claim: value}), f"malformed claims: {claim}$")

    def test_a_name_may_have_256_characters(self, world: World) -> None:
        assert accepted(world, world.es.token(sub="a" * 256)).user == "a" * 256

    @pytest.mark.parametrize("claim", TIMES)
    @pytest.mark.parametrize(
        "value",
        [
            *(str(NOW), f"{NOW}", "", "never", "2033-05-18T03:33:20Z", True, False, [], [NOW], {}, {"exp": NOW}),
            *(float(NOW), NOW + 0.5, -1, -NOW, 2**53, 2**63, 2**64, 10**30, 1e300),
        ],
        ids=repr,
    )
    def test_a_time_is_a_whole_number_of_seconds(self, world: World, claim: str, value: Any) -> None:
        refused(world, saying(world.es, **{claim: value}), f"malformed claims: {claim}$")

    @pytest.mark.parametrize("claim", ["exp", "iat"])
    def test_a_required_time_is_not_null(self, world: World, claim: str) -> None:
        refused(world, saying(world.es, **{claim: None}), f"malformed claims: {claim}$")

    @pytest.mark.parametrize("value", [{"sub": "x"}, 7, True, None], ids=str)
    def test_an_audience_is_a_string_or_a_list(self, world: World, value: Any) -> None:
        refused(world, saying(world.es, aud=value), "malformed claims: aud")

    @pytest.mark.parametrize("value", ["gateway", ["gateway"], 1, True, [{"sub": "gateway"}]], ids=str)
    def test_an_actor_is_an_object(self, world: World, value: Any) -> None:
        refused(world, saying(world.es, act=value), "malformed claims: act$")

    @pytest.mark.parametrize(
        "value",
        [
            *("A" * 43, [], ["A" * 43], {}, True, 1, {"jkt": "A" * 43}, {"x5t": "A" * 27}),
            *({"jwk": {}}, {"kid": "es-1"}),
            *({"x5t#s256": "A" * 43}, {"x5t_s256": "A" * 43}, {"x5t#S256": None}, {"x5t#S256": 1}, {"x5t#S256": []}),
            *({"x5t#S256": ["A" * 43]}, {"x5t#S256": ""}, {"x5t#S256": "A" * 42}, {"x5t#S256": "A" * 44}),
            *({"x5t#S256": "A" * 43 + "="}, {"x5t#S256": "A" * 42 + "+"}, {"x5t#S256": "A" * 43 + "\n"}),
            *({"x5t#S256": "A" * 42 + "é"}, {"x5t#S256": "A" * 43, "jkt": "A" * 43}, {"x5t#S256": "A" * 43, "": 0}),
        ],
        ids=str,
    )
    def test_a_binding_that_we_cannot_check_is_refused(self, world: World, value: Any) -> None:
        refused(world, saying(world.es, cnf=value), "malformed claims: cnf")

    def test_refusing_tells_which_claim_but_not_its_value(self, world: World) -> None:
        assert "hunter2" not in refusal(world, world.es.token(sub="hunter2 hunter2", jti=["hunter2"], exp="hunter2"))


class TestIssuer:
    @pytest.mark.parametrize(
        "iss",
        [
            *(f"{ISSUER}/", f"{ISSUER}/.", f"{ISSUER}#", f"{ISSUER}?", f"{ISSUER} ", f" {ISSUER}", f"{ISSUER}\0", ""),
            *("https://idp.test", "https://idp.test:443", "http://idp.test:9443"),
            *("HTTPS://idp.test:9443", "idp.test:9443"),
            *("https://IDP.test:9443", "https://idp.test.:9443"),
            *("https://idp.test:9443.evil.test", "https://idp.test:09443"),
            *("https://evil.test/https://idp.test:9443", "https://idp.test:9443@evil.test"),
            *("https://idp.tеst:9443", "*"),
            *("https://idp.test:9444", "//idp.test:9443", "https://idp.test%3A9443"),
            *("https://user@idp.test:9443", "null"),
        ],
    )
    def test_another_issuers_token_is_refused_even_when_the_key_is_ours(self, world: World, iss: str) -> None:
        refused(world, world.es.token(iss=iss), r"another issuer's \(iss\)")


class TestAudience:
    @pytest.mark.parametrize(
        "aud",
        [
            *("billing", "inventory", "gateway", "cli", "order", "orderss", "xorders", "orders2", "Orders"),
            *("ORDERS", "*"),
            *("orders/", "/orders", "https://orders", "orders ", " orders", "orders\0", "orders\n"),
            *("orders,billing", "ord*"),
            *("orders billing", "spiffe://shop.test/orders", ".*", "", "оrders", "ｏrders"),
            *("orders.evil.test", '["orders"]'),
            *([], [""], ["*"], ["billing"], ["billing", "inventory"], ["Orders"], ["orders "]),
            *(["orders,billing"], ["order", "s"]),
        ],
        ids=str,
    )
    def test_a_token_for_somebody_else_is_refused(self, world: World, aud: Any) -> None:
        refused(world, world.es.token(aud=aud), r"\(aud\)$")

    @pytest.mark.parametrize(
        "aud",
        [[["orders"]], [{"orders": 1}], ["orders", 1], ["orders", None], [None], [True], {"orders": 1}, {"0": ""}],
        ids=str,
    )
    def test_an_audience_is_a_flat_list_of_strings(self, world: World, aud: Any) -> None:
        refused(world, saying(world.es, aud=aud), "malformed claims: aud")


class TestScope:
    @pytest.mark.parametrize(
        ("scope", "scopes"),
        [
            ("", set()),
            ("orders:read", {"orders:read"}),
            ("orders:read orders:read", {"orders:read"}),
            ("xorders:readx", {"xorders:readx"}),
            ("orders:read:any", {"orders:read:any"}),
            ("orders", {"orders"}),
            ("orders:*", {"orders:*"}),
            ("*", {"*"}),
            ("ORDERS:READ", {"ORDERS:READ"}),
            ("orders:read,orders:write", {"orders:read,orders:write"}),
            ("orders:read;orders:write", {"orders:read;orders:write"}),
            ("orders:read+orders:write", {"orders:read+orders:write"}),
            ("orders%3Aread", {"orders%3Aread"}),
        ],
    )
    def test_scopes_are_separated_by_one_space_and_compared_whole(
        self, world: World, scope: str, scopes: set[str]
    ) -> None:
        assert accepted(world, world.es.token(scope=scope)).scopes == scopes

    def test_a_token_without_scope_allows_nothing(self, world: World) -> None:
        assert accepted(world, world.es.token(scope=None)).scopes == frozenset()

    @pytest.mark.parametrize(
        "scope",
        [
            *("a  b", " a", "a ", " ", "a\tb", "a\nb", "a\r\nb", "a\0b", "a\u00a0b", "a\u2003b", 'a"b', "a\\b"),
            *("é", "a\x7f"),
            *(None, [], ["orders:read"], {"orders:read": True}, True, 1, 0, "a" * 1025),
        ],
        ids=range(22),
    )
    def test_a_scope_that_is_malformed_spoils_the_token(self, world: World, scope: Any) -> None:
        refused(world, saying(world.es, scope=scope), "malformed claims: scope$")

    def test_a_scope_may_have_1024_characters(self, world: World) -> None:
        assert accepted(world, world.es.token(scope="a" * 1024)).scopes == {"a" * 1024}


class TestTime:
    """The clocks of IdP and service may differ by LEEWAY seconds, either way, and by not one more."""

    def test_the_leeway_is_short(self) -> None:
        assert 0 <= LEEWAY <= 30

    @pytest.mark.parametrize("late", [-300, -1, 0, 1, LEEWAY - 1])
    def test_a_token_is_good_until_it_expires_give_or_take_the_leeway(
        self, world: World, clock: SimpleNamespace, late: int
    ) -> None:
        assert accepted(world, world.es.token(exp=NOW - late, iat=NOW - 400)).exp == NOW - late

    @pytest.mark.parametrize("late", [LEEWAY, LEEWAY + 1, 300, 86_400, NOW])
    def test_an_expired_token_is_refused(self, world: World, clock: SimpleNamespace, late: int) -> None:
        refused(world, world.es.token(exp=NOW - late, iat=NOW - late - 300 if late < NOW else 0), r"expired \(exp\)")

    def test_expiry_is_reached_between_two_seconds(self, world: World, clock: SimpleNamespace) -> None:
        token = world.es.token(exp=NOW, iat=NOW - 300)
        clock.now = NOW + LEEWAY - 0.001
        accepted(world, token)
        clock.now = NOW + LEEWAY
        refused(world, token, r"\(exp\)")

    @pytest.mark.parametrize("claim", ["iat", "nbf"])
    @pytest.mark.parametrize("early", [-300, 0, 1, LEEWAY])
    def test_a_token_from_a_clock_a_little_ahead_is_good(
        self, world: World, clock: SimpleNamespace, claim: str, early: int
    ) -> None:
        accepted(world, saying(world.es, **{"iat": NOW, "exp": NOW + 300} | {claim: NOW + early}))

    @pytest.mark.parametrize("claim", ["iat", "nbf"])
    @pytest.mark.parametrize("early", [LEEWAY + 1, 300, 86_400, 2**53 - 1 - NOW])
    def test_a_token_from_the_future_is_refused(
        self, world: World, clock: SimpleNamespace, claim: str, early: int
    ) -> None:
        times = {"iat": NOW, "exp": 2**53 - 1} | {claim: NOW + early}
        refused(world, saying(world.es, **times), r"not valid yet \(iat, nbf\)")

    def test_a_token_may_be_valid_later_than_it_was_issued(self, world: World, clock: SimpleNamespace) -> None:
        token = world.es.token(iat=NOW - 60, nbf=NOW + 60, exp=NOW + 300)
        refused(world, token, r"\(iat, nbf\)")
        clock.now = NOW + 60
        accepted(world, token)

    def test_the_beginning_of_time_is_a_time(self, world: World, clock: SimpleNamespace) -> None:
        accepted(world, world.es.token(iat=0, nbf=0, exp=NOW))
        refused(world, world.es.token(iat=0, nbf=0, exp=0), r"\(exp\)")


@pytest.mark.filterwarnings("ignore::jwt.InsecureKeyLengthWarning")  # a warning alone would let it in
def test_a_signing_key_too_short_for_its_algorithm_proves_nothing() -> None:
    short = Issuer("RS256", "short")
    short.key = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # RFC 7518 §3.3: 2048 bits or larger
    with pytest.raises(Unauthenticated):
        verify(short.token(), Keys(short.jwks), ISSUER, "orders")


class TestRemembered:
    """What was proven once is not worked out again, and lets nothing pass that would be refused."""

    @pytest.fixture
    def verified(self, monkeypatch: pytest.MonkeyPatch) -> list[str]:
        """The tokens whose signature was verified."""
        seen: list[str] = []

        class Counting:
            def decode(self, token: str, *more: Any, **options: Any) -> Any:
                seen.append(token)
                return genuine.decode(token, *more, **options)

        genuine = access_token.SIGNATURES
        monkeypatch.setattr(access_token, "SIGNATURES", Counting())
        return seen

    def test_a_signature_is_verified_once(self, world: World, verified: list[str]) -> None:
        token = world.es.token(jti="once")
        assert accepted(world, token) == accepted(world, token)
        assert verified == [token]

    def test_a_forged_one_is_verified_each_time(self, world: World, verified: list[str]) -> None:
        token = world.mallory.token()
        assert SIGNATURE in refusal(world, token)
        assert SIGNATURE in refusal(world, token)
        assert verified == [token, token]

    def test_a_token_that_was_good_expires(self, world: World, clock: SimpleNamespace) -> None:
        token = world.es.token(iat=NOW, exp=NOW + 60)
        accepted(world, token)
        clock.now += 60 + LEEWAY
        assert "has expired" in refusal(world, token)

    def test_a_token_that_was_good_for_one_service_is_not_for_another(self, world: World) -> None:
        token = world.es.token()
        accepted(world, token)
        with pytest.raises(Unauthenticated, match="meant for"):
            verify(token, world.keys, ISSUER, "billing")
        with pytest.raises(Unauthenticated, match="another issuer's"):
            verify(token, world.keys, "https://idp.example", "orders")

    def test_another_signature_under_the_same_claims_is_another_token(self, world: World) -> None:
        token = world.es.token()
        accepted(world, token)
        head, payload, signature = token.split(".")
        assert SIGNATURE in refusal(world, f"{head}.{payload}.{b64url(bytes(64))}")
        assert refusal(world, f"{head}.{payload}.{signature}=")
