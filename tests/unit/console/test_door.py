"""Who may look, from where, and how: the door before every page."""

import re

import pytest
from starlette.testclient import TestClient
from starlette.types import Receive, Scope, Send
from yanmen.console.door import HEADERS, Access, Door

from tests.unit.console.conftest import SITE, TOKEN

EVERYTHING = ["/", "/receipts", "/receipts/1/verification", "/uses/live", "/preferences", "/static/console.css", "/no"]


@pytest.mark.parametrize("path", EVERYTHING)
@pytest.mark.parametrize("query", ["", "?access=", f"?access={'00' * 32}", f"?access={TOKEN[:-1]}", "?access=%FF"])
def test_without_the_token_nothing_is_told(stranger: TestClient, path: str, query: str) -> None:
    answer = stranger.get(path + query)
    assert answer.status_code == 401
    assert "卫健委" not in answer.text
    assert "yanmen console" in answer.text, "the next step"


def test_the_link_gives_a_cookie_and_leaves_no_token_in_the_address(stranger: TestClient, access: Access) -> None:
    answer = stranger.get("/", params={"access": TOKEN})
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    cookie = answer.headers["set-cookie"]
    assert re.fullmatch(rf"{access.cookie}={access.ticket}; HttpOnly; Path=/; SameSite=strict", cookie)
    assert TOKEN not in cookie
    stranger.cookies.clear()


def test_the_link_opens_only_the_first_page(stranger: TestClient) -> None:
    assert stranger.get("/receipts", params={"access": TOKEN}).status_code == 401


@pytest.mark.parametrize(
    "cookie", ["", "x", "=;=;", "a" * 20_000, "{name}={token}", "{name}=", "{name}=é", "other={ticket}"]
)
def test_another_cookie_opens_nothing(stranger: TestClient, access: Access, cookie: str) -> None:
    given = cookie.format(name=access.cookie, ticket=access.ticket, token=TOKEN)
    assert stranger.get("/", headers={b"Cookie": given.encode()}).status_code == 401


def test_behind_a_proxy_the_cookie_is_for_tls_only(stranger: TestClient) -> None:
    answer = stranger.get("/", params={"access": TOKEN}, headers={"Host": "console.example"})
    assert "Secure" in answer.headers["set-cookie"]
    stranger.cookies.clear()


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:7480", "127.0.0.1", "127.0.0.1:7481", "127.0.0.1:7480.evil.example", ""]
)
def test_a_name_that_is_not_ours_is_not_answered(reader: TestClient, host: str) -> None:
    answer = reader.get("/", headers={"Host": host})
    assert answer.status_code == 421
    assert "卫健委" not in answer.text


def test_two_host_headers_are_one_too_many(reader: TestClient) -> None:
    two = [("Host", "127.0.0.1:7480"), ("Host", "evil.example")]
    assert reader.get("/", headers=two).status_code == 421


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PROPFIND", "get"])
def test_only_reading_methods_are_answered(reader: TestClient, method: str) -> None:
    for path in ("/", "/preferences?theme=dark", "/static/console.css"):
        answer = reader.request(method, path)
        if method == "get" and answer.status_code == 200:
            continue  # the client itself writes it in capitals
        assert answer.status_code == 405
        assert answer.headers["allow"] == "GET, HEAD"
        assert "set-cookie" not in answer.headers


def test_head_tells_what_get_would(reader: TestClient) -> None:
    assert reader.head("/receipts").status_code == 200


@pytest.mark.parametrize("mode", ["no-cors", "cors", "same-origin", ""])
def test_another_site_cannot_load_a_page_into_its_own(reader: TestClient, mode: str) -> None:
    headers = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": mode}
    assert reader.get("/receipts", headers=headers).status_code == 403
    assert reader.get("/receipts", headers={**headers, "Sec-Fetch-Mode": "navigate"}).status_code == 200


@pytest.mark.parametrize("path", [*EVERYTHING, "/?access=x"])
def test_every_answer_is_closed_to_what_it_need_not_do(reader: TestClient, stranger: TestClient, path: str) -> None:
    for answer in (reader.get(path), stranger.get(path), reader.post(path), reader.get(path, headers={"Host": "x"})):
        for name, value in HEADERS.items():
            assert answer.headers[name] == value
        assert "server" not in answer.headers
    assert HEADERS["Cache-Control"] == "no-store"
    assert HEADERS["X-Content-Type-Options"] == "nosniff"
    assert HEADERS["X-Frame-Options"] == "DENY"
    assert HEADERS["Referrer-Policy"] == "no-referrer"
    policy = HEADERS["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in policy
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    assert "data:" not in policy
    assert "http" not in policy


def test_what_breaks_inside_goes_out_through_the_door_and_says_nothing(access: Access) -> None:
    async def broken(_: Scope, __: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 500, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    client = TestClient(Door(broken, access), base_url=SITE, cookies={access.cookie: access.ticket})
    assert client.get("/").headers["Content-Security-Policy"] == HEADERS["Content-Security-Policy"]


def test_the_token_is_in_nothing_that_is_printed(access: Access) -> None:
    assert TOKEN not in repr(access)
