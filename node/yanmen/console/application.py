"""The console as an ASGI application: routes, templates, and what a reader is told when something is not there."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from urllib.parse import urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from yanmen.console import assets, pages, speech
from yanmen.console.books import Books, Members
from yanmen.console.door import Access, Door
from yanmen.console.logins import Logins
from yanmen.console.pages import Asked, Page
from yanmen.console.speech import Language
from yanmen.model.refusal import Fault, FaultCode

LANGUAGE, THEME = "language", "theme"
"""Cookies: how a reader wants the pages; they say nothing of who reads."""
THEMES = ("auto", "light", "dark")
YEAR_S = 365 * 24 * 3600
UNCHANGED = 204


@dataclass(frozen=True, slots=True)
class Kind:
    """One page: where it is, which template shows it, under which entry of the navigation it stands."""

    path: str
    template: str
    entry: str
    page: Page


KINDS: tuple[Kind, ...] = (
    Kind("/", "overview.html", "/", pages.overview),
    Kind("/catalogue", "catalogue.html", "/catalogue", pages.catalogue),
    Kind("/catalogue/{place}", "dataset.html", "/catalogue", pages.dataset),
    Kind("/contracts", "contracts.html", "/contracts", pages.contracts),
    Kind("/contracts/{place}", "contract.html", "/contracts", pages.contract),
    Kind("/uses", "uses.html", "/uses", pages.uses),
    Kind("/budget", "budget.html", "/budget", pages.budget),
    Kind("/receipts", "receipts.html", "/receipts", pages.receipts),
    Kind("/receipts/{place}", "receipt.html", "/receipts", pages.receipt),
    Kind("/receipts/{place}/verification", "verification.html", "/receipts", pages.verification),
    Kind("/witnesses", "witnesses.html", "/witnesses", pages.witnesses),
    Kind("/findings", "findings.html", "/findings", pages.findings),
    Kind("/incidents", "incidents.html", "/incidents", pages.incidents),
    Kind("/bills", "bills.html", "/bills", pages.bills),
)
NAVIGATION: tuple[tuple[str, str, str], ...] = (
    ("/", "Overview", "总览"),
    ("/catalogue", "Catalogue", "数据目录"),
    ("/contracts", "Contracts", "合约与审批"),
    ("/uses", "Live uses", "实时使用"),
    ("/budget", "Budget", "隐私预算"),
    ("/receipts", "Receipts", "使用回执"),
    ("/witnesses", "Witnesses", "见证"),
    ("/findings", "Findings", "检查问题"),
    ("/incidents", "Incidents", "事件与异议"),
    ("/bills", "Bills", "账单"),
)


def build(books: Books, access: Access, files: Mapping[str, bytes], logins: Logins | None = None) -> Door:
    """Return the console over `books`, behind its door: whatever goes wrong inside goes out through it too."""
    console = _Console(books, files)
    routes = [Route(kind.path, console.endpoint(kind), name=kind.template) for kind in KINDS]
    routes += [
        Route("/uses/live", console.live),
        Route("/preferences", console.preferences),
        Route("/static/{name}", console.static),
    ]
    handlers = {HTTPException: console.absent, Fault: console.faulty, Exception: console.broken}
    return Door(Starlette(routes=routes, exception_handlers=handlers), access, logins)


class _Console:
    """What every answer needs."""

    def __init__(self, books: Books, files: Mapping[str, bytes]) -> None:
        self._books = books
        self._files = files
        self._templates = Environment(
            loader=PackageLoader("yanmen.console"), autoescape=True, undefined=StrictUndefined, auto_reload=False
        )
        self._templates.filters |= {
            "when": speech.when,
            "day": speech.day,
            "number": speech.number,
            "yuan": speech.yuan,
        }
        self._templates.globals |= {"percent": speech.percent, "navigation": NAVIGATION, "themes": THEMES}

    def endpoint(self, kind: Kind) -> Callable[[Request], Response]:
        """Return what answers calls of one page; it runs in a thread, for it reads the ledger."""

        def answer(request: Request) -> Response:
            members = self._books.members()
            report, lack = self._books.report(), self._books.lacks(kind.entry)
            if report is not None and kind.entry == "/":
                values = {"report": report, "pinned": self._books.pinned, "entry": "/"}
                return self._page(request, "bundle.html", values, members)
            if lack is not None:
                title = next((en, zh) for entry, en, zh in NAVIGATION if entry == kind.entry)
                return self._page(request, "lacking.html", {"why": lack, "title": title, "entry": kind.entry}, members)
            shown = kind.page(self._books, members, _asked(request))
            if shown is None:
                raise HTTPException(404)
            return self._page(request, kind.template, {**shown, "entry": kind.entry}, members)

        return answer

    def live(self, request: Request) -> Response:
        """Answer with the part of the page of live uses that changes, or that it did not."""
        if self._books.lacks("/uses") is not None:
            return Response(status_code=UNCHANGED)
        shown = pages.uses(self._books, Members({}), _asked(request))
        if request.query_params.get("seen") == shown["seen"]:
            return Response(status_code=UNCHANGED)
        return self._page(request, "live.html", {**shown, "entry": "/uses"}, self._books.members())

    def preferences(self, request: Request) -> Response:
        """Remember language or theme and go back to the page the reader was on."""
        back = request.query_params.get("back", "/")
        known = {entry for entry, _, _ in NAVIGATION}
        response = RedirectResponse(back if "/" + back[1:].partition("/")[0] in known and _is_path(back) else "/", 303)
        for name, values in ((LANGUAGE, [each.value for each in Language]), (THEME, THEMES)):
            value = request.query_params.get(name, "")
            if value in values:
                response.set_cookie(name, value, max_age=YEAR_S, path="/", httponly=True, samesite="strict")
        return response

    def static(self, request: Request) -> Response:
        """Answer with one of the files that were read at the start."""
        name = request.path_params["name"]
        content = self._files.get(name)
        if content is None:
            raise HTTPException(404)
        return Response(content, media_type=assets.type_of(name))

    def absent(self, request: Request, error: Exception) -> Response:
        """Say that there is no such page."""
        status = error.status_code if isinstance(error, HTTPException) else 500
        return self._page(request, "absent.html", {"entry": ""}, Members({}), status)

    def broken(self, request: Request, _: Exception) -> Response:
        """Say that this program has a defect; where it is stands on standard error, not on the page."""
        fault = Fault(FaultCode.INTERNAL, "a defect of the console: standard error says where")
        return self._page(request, "faulty.html", {"entry": "", "fault": fault}, Members({}), 500)

    def faulty(self, request: Request, error: Exception) -> Response:
        """Say what the node's files do not allow now; a fault quotes no value."""
        return self._page(request, "faulty.html", {"entry": "", "fault": error}, Members({}), 503)

    def _page(
        self, request: Request, template: str, shown: Mapping[str, object], members: Members, status: int = 200
    ) -> Response:
        asked, report = _asked(request), self._books.report()
        theme = request.cookies.get(THEME, "auto")

        def word(value: Enum) -> str:
            return asked.say(*speech.of_enum(value))

        def preference(name: str, value: str) -> str:
            return "/preferences?" + urlencode({name: value, "back": request.url.path})

        values: dict[str, object] = {
            **shown,
            "t": asked.say,
            "word": word,
            "preference": preference,
            "name": members.name,
            "members": members,
            "config": self._books.config,
            "language": asked.language.value,
            "languages": [each.value for each in Language],
            "theme": theme if theme in THEMES else "auto",
            "broken": report is not None and not report.ok,
            "partial": request.headers.get("hx-request") == "true",
        }
        return HTMLResponse(self._templates.get_template(template).render(values), status)


def _asked(request: Request) -> Asked:
    language = speech.chosen(request.cookies.get(LANGUAGE, ""), request.headers.get("accept-language", ""))
    return Asked(language, str(request.path_params.get("place", "")), dict(request.query_params))


def _is_path(back: str) -> bool:
    """Say whether `back` is a place of ours and nowhere else's."""
    return back.startswith("/") and not back.startswith("//") and "\\" not in back and back.isprintable()
