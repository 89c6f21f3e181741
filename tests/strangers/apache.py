"""Apache with `mod_auth_openidc`, a certified relying party that is a resource server as well.

Two sites, so that all of it is tried: one relies on opaque tokens and ES256 and asks what a bearer's token means; the
other relies on signed tokens and RS256 and checks a bearer's by itself, with the published keys.

    /page       for a person: `AuthType openid-connect`
    /api        for a bearer of an access token: `AuthType oauth20`
    /goodbye    for everybody
    /callback   the module's own: the code comes back there; ?info, ?refresh and ?logout do as they say
"""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

import certs
from compose import ports
from tests.idp_support import secret_of
from tests.strangers.browser import TIMEOUT_SECONDS
from tests.strangers.issuer import API, SCOPE, Issuer, application

PROGRAM = Path("/usr/sbin/apache2")
MODULES = Path("/usr/lib/apache2/modules")
SECONDS = 20
OPAQUE, SIGNED = "apache-opaque", "apache-signed"

SERVER = """
ServerName localhost
ServerRoot {home}
DefaultRuntimeDir {home}
PidFile {home}/pid
ErrorLog {home}/log
LogLevel warn
KeepAlive Off
ThreadsPerChild 8
MaxRequestWorkers 8
{modules}
{user}
<Directory {home}>
  Require all denied
</Directory>
"""
SITE = """
Listen 127.0.0.1:{port}
<VirtualHost 127.0.0.1:{port}>
  DocumentRoot {home}/pages
  SSLEngine on
  SSLCertificateFile {tls}/leaf.pem
  SSLCertificateKeyFile {tls}/key.pem
  OIDCCryptoPassphrase {passphrase}
  OIDCCABundlePath {home}/bundle.pem
  OIDCProviderMetadataURL {issuer}/.well-known/openid-configuration
  OIDCClientID {client}
  OIDCClientSecret {secret}
  OIDCProviderTokenEndpointAuth client_secret_basic
  OIDCIDTokenSignedResponseAlg {signing_alg}
  OIDCPKCEMethod S256
  OIDCScope "{scope}"
  OIDCAuthRequestParams max_age=3600
  OIDCRedirectURI {origin}/callback
  OIDCInfoHook access_token id_token refresh_token userinfo
  {check}
  <Location /page>
    AuthType openid-connect
    Require claim email:alice@shop.test
  </Location>
  <Location /callback>
    AuthType openid-connect
    Require valid-user
  </Location>
  <Location /api>
    AuthType oauth20
    Require claim aud:{api}
  </Location>
  <Location /goodbye>
    Require all granted
  </Location>
  Header set X-User "expr=%{{REMOTE_USER}}"
</VirtualHost>
"""
BY_ASKING = """
  OIDCOAuthIntrospectionEndpoint {issuer}/introspect
  OIDCOAuthIntrospectionEndpointAuth client_secret_basic
  OIDCOAuthClientID {api}
  OIDCOAuthClientSecret {api_secret}
  OIDCOAuthTokenIntrospectionInterval -1
  OIDCOAuthRemoteUserClaim username
"""
BY_ITSELF = """
  OIDCOAuthVerifyJwksUri {issuer}/jwks
  OIDCOAuthRemoteUserClaim sub
"""


def trouble() -> str | None:
    """Why it cannot be had here, or None when it can."""
    missing = [str(path) for path in (PROGRAM, MODULES / "mod_auth_openidc.so") if not path.exists()]
    return f"Apache with mod_auth_openidc is not installed: there is no {missing[0]}" if missing else None


@dataclass(frozen=True)
class Visit:
    """What came of a visit to one site: status, text and user of its pages, and what the module knew."""

    page: tuple[int, str, str | None]
    knows: dict[str, Any]
    borne: tuple[int, str, str | None]
    unborne: int
    refreshed: tuple[int, str, dict[str, Any]]
    revoked: int
    goodbye: tuple[str, int]


class Apache:
    """The server, while it runs: an origin for each site."""

    def __init__(self) -> None:
        chosen = ports.free()
        self.ports = {OPAQUE: chosen.gateway, SIGNED: chosen.orders}
        self.origins = {name: f"https://localhost:{port}" for name, port in self.ports.items()}

    def registrations(self) -> list[dict[str, Any]]:
        """Its two clients, as the provider knows them."""
        kinds = {OPAQUE: ("ES256", "opaque"), SIGNED: ("RS256", "jwt")}
        return [
            application(
                name,
                *kinds[name],
                redirect_uris=[f"{origin}/callback"],
                post_logout_redirect_uris=[f"{origin}/goodbye/"],
            )
            for name, origin in self.origins.items()
        ]

    @contextmanager
    def running(self, issuer: Issuer) -> Iterator[None]:
        """Serve both sites.  What it reads once it is no longer root lies where everybody may read."""
        with tempfile.TemporaryDirectory(prefix="fivelocks-apache-") as directory:
            home = Path(directory)
            home.chmod(0o755)
            process = self._start(home, issuer)
            try:
                self._wait_until_it_listens(process, home)
                yield
            finally:
                process.terminate()
                process.wait(SECONDS)

    def _start(self, home: Path, issuer: Issuer) -> subprocess.Popen[bytes]:
        shutil.copy(issuer.bundle, home / "bundle.pem")
        for page in ("page", "api", "goodbye"):
            (home / "pages" / page).mkdir(parents=True)
            (home / "pages" / page / "index.html").write_text(f"the {page}\n")
        tls = issuer.directory / "apache/tls"
        certs.CA.open(issuer.directory / "ca").issue("apache", tls, ["localhost"])
        modules = ("mpm_event", "authn_core", "authz_core", "authz_user", "ssl", "headers", "auth_openidc", "dir")
        loaded = "\n".join(f"LoadModule {name}_module {MODULES}/mod_{name}.so" for name in modules)
        user = "User nobody\nGroup nogroup" if os.getuid() == 0 else ""
        sites = [self._site(name, check, home, tls, issuer) for name, check in CHECKS.items()]
        config = home / "apache.conf"
        config.touch(0o600)
        config.write_text(SERVER.format(home=home, modules=loaded, user=user) + "".join(sites))
        return subprocess.Popen([PROGRAM, "-X", "-f", config], stdin=subprocess.DEVNULL)

    def _site(self, name: str, check: str, home: Path, tls: Path, issuer: Issuer) -> str:
        about = {"api": API, "api_secret": secret_of(API), "issuer": issuer.issuer}
        return SITE.format(
            **about,
            home=home,
            tls=tls,
            port=self.ports[name],
            origin=self.origins[name],
            client=name,
            secret=secret_of(name),
            signing_alg="ES256" if name == OPAQUE else "RS256",
            scope=SCOPE,
            passphrase=secrets.token_hex(16),
            check=check.format(**about),
        )

    def _wait_until_it_listens(self, process: subprocess.Popen[bytes], home: Path) -> None:
        deadline = time.monotonic() + SECONDS
        for port in self.ports.values():
            while True:
                try:
                    socket.create_connection(("127.0.0.1", port), SECONDS).close()
                    break
                except OSError:
                    said = (home / "log").read_text() if (home / "log").exists() else "nothing"
                    assert process.poll() is None, f"Apache ended, and said: {said}"
                    assert time.monotonic() < deadline, f"Apache does not listen, and said: {said}"
                    time.sleep(0.02)  # nothing to wait on before it listens

    def bearing(self, name: str, token: str | None, issuer: Issuer) -> requests.Response:
        """What the site `name` answers to who bears `token`."""
        shown = {"Authorization": f"Bearer {token}"} if token else {}
        url = f"{self.origins[name]}/api/"
        with requests.Session() as session:
            session.trust_env = False
            return session.get(url, headers=shown, verify=issuer.bundle, timeout=TIMEOUT_SECONDS)

    def visit(self, name: str, issuer: Issuer) -> Visit:
        """Go the whole way at the site `name`, as alice and as a bearer of the token that the site got for her."""
        origin = self.origins[name]
        with issuer.browser() as browser:

            def page(path: str) -> requests.Response:
                browser.visit(origin + path, issuer.issuer, origin)
                return browser.page

            def info() -> dict[str, Any]:
                return dict(page("/callback?info=json").json())

            seen, knows = page("/page/"), info()
            borne = self.bearing(name, knows["access_token"], issuer)
            back = page(f"/callback?refresh={origin}/page/&access_token={knows['access_token']}")
            then = info()
            form = {"client_id": name, "token": then["access_token"]}
            issuer.send("POST", "/revoke", data=form, auth=(name, secret_of(name))).raise_for_status()
            return Visit(
                page=(seen.status_code, seen.text, seen.headers.get("X-User")),
                knows=knows,
                borne=(borne.status_code, borne.text, borne.headers.get("X-User")),
                unborne=self.bearing(name, None, issuer).status_code,
                refreshed=(back.status_code, back.text, then),
                revoked=self.bearing(name, then["access_token"], issuer).status_code,
                goodbye=(page(f"/callback?logout={origin}/goodbye/").text, page("/callback?info=json").status_code),
            )


CHECKS = {OPAQUE: BY_ASKING, SIGNED: BY_ITSELF}
