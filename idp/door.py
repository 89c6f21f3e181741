"""What a request must look like before any rule of OAuth is applied to it.

Parameters come once, and from one place: the query of a GET, the form of a POST.  Frameworks merge the two and keep
the first of a repeated name; then two readers of one request can see two different requests.  One without a value is
as good as left out (RFC 6749 §3.1, §3.2), and all readers see it so.
"""

from __future__ import annotations

import re
from collections import defaultdict
from urllib.parse import parse_qsl

from authlib.integrations.flask_oauth2.requests import FlaskOAuth2Payload, FlaskOAuth2Request
from authlib.oauth2.rfc6749 import InvalidRequestError, OAuth2Request
from flask import Request
from werkzeug.datastructures import ImmutableMultiDict, MultiDict
from werkzeug.exceptions import UnsupportedMediaType
from werkzeug.utils import cached_property

from idp import resource
from services.bounded import BoundedRequest

FORM = "application/x-www-form-urlencoded"
CONTROL = re.compile(r"[\x00-\x1f\x7f]")
SEVERAL = frozenset({resource.PARAMETER, "audience"})
"""What may come more than once: RFC 8707 §2, and in an exchange RFC 8693 §2.1; nothing else reads an audience."""


class ValuedRequest(BoundedRequest):
    """A request, without the parameters that have no value."""

    @cached_property
    def args(self) -> MultiDict[str, str]:
        """Those of the query."""
        return _valued(super().args) if self.query_string else ImmutableMultiDict()

    @cached_property
    def form(self) -> MultiDict[str, str]:  # type: ignore[override]  # an immutable one, as always
        """Those of the form; nothing else that a body can be is read (Werkzeug would get ready for files first)."""
        if self.mimetype != FORM:
            return ImmutableMultiDict()
        try:
            text = self.stream.read().decode()
        except UnicodeDecodeError:
            return ImmutableMultiDict()
        return _valued(ImmutableMultiDict(parse_qsl(text, keep_blank_values=True, errors="werkzeug.url_quote")))


def _valued(parameters: MultiDict[str, str]) -> MultiDict[str, str]:
    """Without those that have no value; one that comes twice stays, to be refused."""
    if all(value for _, value in parameters.items(multi=True)):
        return parameters
    kept = ((name, value) for name, value in parameters.items(multi=True) if value or parameters.getlist(name) != [""])
    return ImmutableMultiDict(kept)


class Payload(FlaskOAuth2Payload):  # type: ignore[misc]  # Authlib has no types
    """The parameters of a request, from the one place where its method puts them."""

    @property
    def data(self) -> MultiDict[str, str]:
        request: Request = self._request
        return request.form if request.method == "POST" else request.args

    @property
    def datalist(self) -> dict[str, list[str]]:
        return defaultdict(list, self.data.to_dict(flat=False))


class StrictRequest(FlaskOAuth2Request):  # type: ignore[misc]  # Authlib has no types
    """A request as Authlib reads it, which would take parameters from query and form alike (RFC 6749 §3.2)."""

    def __init__(self, request: Request) -> None:
        host = request.server[0] if request.server else ""
        # Of its address Authlib asks no more than whether it is HTTPS, and all of it takes long to put together.
        OAuth2Request.__init__(self, request.method, f"{request.scheme}://{host}")
        self.headers = request.headers  # not as an argument: Authlib would count them first
        self._request = request
        self.payload = Payload(request)

    @property
    def http(self) -> Request:
        """The request as Flask reads it."""
        found: Request = self._request
        return found


def require_form(request: Request) -> None:
    """Let in a form, and no other media type, without repeated parameters (RFC 6749 §3.2)."""
    if request.mimetype != FORM:
        raise UnsupportedMediaType(f"Send the parameters as {FORM}.")
    refuse_repeated(request.form)


def refuse_repeated(parameters: MultiDict[str, str]) -> None:
    """Refuse control characters, and parameters that come twice (RFC 6749 §3.1, §3.2) but are not of `SEVERAL`."""
    for name, values in parameters.lists():
        if len(values) > 1 and name not in SEVERAL:
            raise InvalidRequestError("A parameter is repeated.")
        if CONTROL.search(name + "".join(values)):
            raise InvalidRequestError("A parameter holds a control character.")
