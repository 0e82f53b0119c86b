"""Who may look: one door before every page, which also says what a browser may do with what it gets.

Nobody is told anything without the access token printed at the start. A page of another site can neither read
a page here (it has no cookie: `SameSite=Strict`) nor reach it under a name of its own (DNS rebinding: the `Host`
header must be one we serve under), and nothing here can be changed: only GET and HEAD are answered, and the form by
which persons log in, where the node has accounts.
"""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from yanmen.console.logins import Logins
from yanmen.model.refusal import Fault

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""No inline script or style, no eval, nothing from anywhere else."""
HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": POLICY,
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
METHODS = ("GET", "HEAD")
ENTRY = "access"
"""Member of the entry link's query that carries the token."""
COOKIES_MAX = 8 * 1024

LOCKED = (
    "This console opens with the link that `yanmen console` printed when it started; ask who started it.\n"
    "请使用 yanmen console 启动时显示的链接打开本控制台；如无链接，请联系启动者。\n"
)
OTHER_HOST = (
    "This console is not served under this name: use the address it printed, or start it with --host NAME.\n"
    "本控制台不以此名称提供服务：请使用其显示的地址，或以 --host 名称 启动。\n"
)
LOGIN = """<!DOCTYPE html><html lang="zh-Hans"><meta charset="utf-8"><title>登录 log in</title>
<link rel="stylesheet" href="/static/console.css"><main><h1>登录 Log in</h1>
<form method="post" action="/login">
<p><label>账户 account <input name="account" autocomplete="username" required></label>
<p><label>口令 password <input name="password" type="password" autocomplete="current-password" required></label>
<p><button>登录 Log in</button></form></main></html>
"""
NOT_LET_IN = (
    "Account or password is wrong, or there were too many tries: wait, or ask the node's operator.\n"
    "账户或口令错误，或尝试过多：请稍候，或联系节点管理员。\n"
)
NOT_YOURS = "This page is not one of your role's.\n该页面不在您的角色权限内。\n"
LOGIN_PATH, LOGOUT_PATH = "/login", "/logout"
FORM_MAX = 4 * 1024
SESSION = "-session"
"""End of the name of a session's cookie."""
READ_ONLY = "This console only shows: GET and HEAD.\n本控制台只读，仅接受 GET 与 HEAD。\n"
FROM_ELSEWHERE = "Not for pages of other sites.\n不向其他网站的页面提供。\n"


@dataclass(frozen=True, slots=True)
class Access:
    """The access token of this start, the names it is served under, and those of them behind a TLS proxy."""

    token: str = field(repr=False)
    hosts: frozenset[str]
    proxied: frozenset[str] = frozenset()

    @property
    def cookie(self) -> str:
        """The name of its cookie: two consoles on one host differ in their ports, which cookies do not know."""
        return "yanmen-" + _digest("name", self.token)[:12]

    @property
    def ticket(self) -> str:
        """What the cookie holds: not the token, which may stand in a browser's history."""
        return _digest("pass", self.token)

    def opens(self, token: str) -> bool:
        """Say whether `token` is the one, in a time that does not tell how much of it is right."""
        return hmac.compare_digest(token.encode(), self.token.encode())

    def session(self, cookies: str) -> str:
        """Return the token of a person's session in the header `cookies`, "" without one."""
        try:
            found = SimpleCookie(cookies[:COOKIES_MAX]).get(self.cookie + SESSION)
        except CookieError:
            return ""
        return "" if found is None else found.value

    def knows(self, cookies: str) -> bool:
        """Say whether the header `cookies` has the pass."""
        try:
            found = SimpleCookie(cookies[:COOKIES_MAX]).get(self.cookie)
        except CookieError:
            return False
        return found is not None and hmac.compare_digest(found.value.encode(), self.ticket.encode())


class Door:
    """Lets through who may look, and closes every answer to whatever it need not do."""

    __slots__ = ("_access", "_app", "_logins")

    def __init__(self, app: ASGIApp, access: Access, logins: Logins | None = None) -> None:
        """Stand before `app`; persons log in where `logins` has accounts."""
        self._app = app
        self._access = access
        self._logins = logins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one call."""
        if scope["type"] != "http":  # no websocket, no life cycle
            return

        async def closed(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
            await send(message)

        answer: ASGIApp = await self._admit(scope, receive) or self._app
        await answer(scope, receive, closed)

    async def _admit(self, scope: Scope, receive: Receive) -> Response | None:
        """Return what is said at the door; what cannot be logged or looked up opens nothing."""
        try:
            if self._logins is None or not self._logins.asked:
                return self._answer(scope)
            return self._foreign(Headers(scope=scope)) or await self._by_name(scope, receive, self._logins)
        except Fault as fault:
            return PlainTextResponse(f"{fault.code.value}\n", 503)

    async def _by_name(self, scope: Scope, receive: Receive, logins: Logins) -> Response | None:
        """Return what is said to a person, None when the page is theirs to see."""
        headers, path, address = Headers(scope=scope), scope["path"], _address(scope)
        if scope["method"] == "POST" and path == LOGIN_PATH:
            if headers.get("sec-fetch-site", "same-origin") != "same-origin":
                return PlainTextResponse(FROM_ELSEWHERE, 403)
            given = await _form(receive)
            word = (given.get("account", ""), given.get("password", ""))
            token = await run_in_threadpool(logins.enter, *word, address)
            return PlainTextResponse(NOT_LET_IN, 403) if token is None else self._named(headers, token)
        token = self._access.session(headers.get("cookie", ""))
        if scope["method"] == "POST" and path == LOGOUT_PATH:
            logins.leave(token, address)
            return RedirectResponse(LOGIN_PATH, 303)
        if scope["method"] not in METHODS:
            return PlainTextResponse(READ_ONLY, 405, headers={"Allow": ", ".join((*METHODS, "POST"))})
        account = logins.who(token) if token else None
        if account is None:
            return None if path.startswith("/static/") else HTMLResponse(LOGIN, 200 if path == LOGIN_PATH else 401)
        if path == LOGIN_PATH:
            return RedirectResponse("/", 303)
        return None if logins.may(account, path, address) else PlainTextResponse(NOT_YOURS, 403)

    def _named(self, headers: Headers, token: str) -> Response:
        response = RedirectResponse("/", 303)
        secure = headers.get("host", "").lower() in self._access.proxied
        name = self._access.cookie + SESSION
        response.set_cookie(name, token, path="/", secure=secure, httponly=True, samesite="strict")
        return response

    def _foreign(self, headers: Headers) -> Response | None:
        """Return what is said to a call under another name, or from a page of another site."""
        hosts = headers.getlist("host")
        if len(hosts) != 1 or hosts[0].lower() not in self._access.hosts:
            return PlainTextResponse(OTHER_HOST, 421)
        if headers.get("sec-fetch-site") == "cross-site" and headers.get("sec-fetch-mode") != "navigate":
            return PlainTextResponse(FROM_ELSEWHERE, 403)
        return None

    def _answer(self, scope: Scope) -> Response | None:
        """Return what is said at the door, None when the call may go in."""
        headers = Headers(scope=scope)
        hosts = headers.getlist("host")
        if len(hosts) != 1 or hosts[0].lower() not in self._access.hosts:
            return PlainTextResponse(OTHER_HOST, 421)
        if scope["method"] not in METHODS:
            return PlainTextResponse(READ_ONLY, 405, headers={"Allow": ", ".join(METHODS)})
        if headers.get("sec-fetch-site") == "cross-site" and headers.get("sec-fetch-mode") != "navigate":
            return PlainTextResponse(FROM_ELSEWHERE, 403)
        if self._access.knows(headers.get("cookie", "")):
            return None
        given = parse_qs(scope["query_string"].decode("latin-1")).get(ENTRY, [""])
        if scope["path"] == "/" and self._access.opens(given[0]):
            return self._let_in(secure=hosts[0].lower() in self._access.proxied)
        return PlainTextResponse(LOCKED, 401)

    def _let_in(self, *, secure: bool) -> Response:
        """Give the cookie and lose the token from the address."""
        response = RedirectResponse("/", 303)
        response.set_cookie(
            self._access.cookie, self._access.ticket, path="/", secure=secure, httponly=True, samesite="strict"
        )
        return response


async def _form(receive: Receive) -> dict[str, str]:
    """Return the fields of a short form, the last of each name."""
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if message["type"] != "http.request" or len(body) > FORM_MAX:
            return {}
        if not message.get("more_body", False):
            return {name: values[-1] for name, values in parse_qs(body.decode("utf-8", "replace")).items()}


def _address(scope: Scope) -> str:
    client = scope.get("client")
    return str(client[0])[:64] if client else ""


def _digest(use: str, token: str) -> str:
    return hashlib.sha256(f"yanmen console {use} {token}".encode()).hexdigest()
