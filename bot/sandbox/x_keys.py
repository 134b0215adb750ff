"""The door of the emulator of X: OAuth 1.0a signatures are verified, bearer tokens compared."""

import secrets
import time
from dataclasses import dataclass, field
from email.utils import formatdate
from enum import StrEnum
from types import SimpleNamespace
from urllib.parse import unquote

from aiohttp import web
from oauthlib.oauth1.rfc5849 import signature  # type: ignore[import-untyped] # comes with tweepy

from bot.sandbox.faults import answer

OUT_OF_DATE = 300  # seconds that a signature's time may be off


class Access(StrEnum):
    """What a route asks for."""

    READ = "read"  # the account's own keys
    WRITE = "write"  # the same, and that they are not for reading only
    MESSAGE = "message"  # the same, and that they are for messages too
    APP = "app"  # the bearer token
    EITHER = "either"


NEEDS = {Access.WRITE: "read-write", Access.MESSAGE: "read-write-directmessages"}  # the level of the keys


@dataclass(slots=True)
class XKeys:
    """The five of one account. `level` is what they are for; `revoked` ends them all, `suspended` the account's own.

    `ahead` (seconds): how much X's clock is before that of this machine.
    """

    api_key: str
    api_secret: str
    token: str
    token_secret: str
    bearer: str
    level: str = "read-write-directmessages"
    revoked: bool = False
    suspended: bool = False
    ahead: float = 0.0
    nonces: set[str] = field(default_factory=set)

    @classmethod
    def made_up(cls, user_id: str = "1001") -> "XKeys":
        words = [secrets.token_urlsafe(24) for _ in range(5)]
        return cls(words[0], words[1], f"{user_id}-{words[2]}", words[3], words[4])

    @property
    def user_id(self) -> str:
        return self.token.partition("-")[0]

    def environment(self, account: str) -> dict[str, str]:
        """As `bot/platforms/x.py` wants them."""
        names = ("API_KEY", "API_SECRET", "ACCESS_TOKEN", "ACCESS_SECRET", "BEARER_TOKEN")
        values = (self.api_key, self.api_secret, self.token, self.token_secret, self.bearer)
        prefix = f"CHAPERONE_X_{account.replace('-', '_').upper()}_"
        return {prefix + name: value for name, value in zip(names, values, strict=True)}


def allowed(keys: XKeys, request: web.Request, access: Access) -> str | web.Response:
    """ "user" or "app", whoever calls; or the answer that refuses them."""
    kind, _, rest = request.headers.get("Authorization", "").partition(" ")
    if keys.revoked:
        return _unauthorised(keys)
    if kind == "Bearer" and access in (Access.APP, Access.EITHER):
        return "app" if secrets.compare_digest(rest, keys.bearer) else _unauthorised(keys)
    if kind != "OAuth" or access is Access.APP or not _signed(keys, request, rest):
        return _unauthorised(keys)
    if keys.suspended:
        detail = "Your account is suspended and is not permitted to access this feature."
        return answer({"title": "Forbidden", "detail": detail, "type": "about:blank", "status": 403}, 403)
    if not keys.level.startswith(NEEDS.get(access, "")):
        detail = "Your client app is not configured with the appropriate oauth1 app permissions for this endpoint."
        type_ = "https://api.twitter.com/2/problems/oauth1-permissions"
        return answer({"title": "Forbidden", "detail": detail, "type": type_, "status": 403}, 403)
    return "user"


def _signed(keys: XKeys, request: web.Request, header: str) -> bool:
    """Whether the signature is right, of now, and not seen before."""
    given = {
        name: unquote(value.strip('"'))
        for name, _, value in (part.strip().partition("=") for part in header.split(","))
    }
    known = given.get("oauth_consumer_key") == keys.api_key and given.get("oauth_token") == keys.token
    fresh = (
        abs(time.time() + keys.ahead - int(given.get("oauth_timestamp", "0"))) < OUT_OF_DATE
    )  # real time, as in the signature
    if not known or not fresh or given.get("oauth_nonce", "") in keys.nonces:
        return False
    uri = f"https://{request.host}{request.raw_path}"
    parameters = signature.collect_parameters(
        uri_query=uri.partition("?")[2], headers={"Authorization": f"OAuth {header}"}, exclude_oauth_signature=True
    )
    it = SimpleNamespace(
        params=parameters, uri=uri, http_method=request.method, signature=given.get("oauth_signature", "")
    )
    keys.nonces.add(given["oauth_nonce"])
    return bool(signature.verify_hmac_sha1(it, keys.api_secret, keys.token_secret))


def _unauthorised(keys: XKeys) -> web.Response:
    now = {"Date": formatdate(time.time() + keys.ahead, usegmt=True)}
    return answer({"title": "Unauthorized", "type": "about:blank", "status": 401, "detail": "Unauthorized"}, 401, now)
