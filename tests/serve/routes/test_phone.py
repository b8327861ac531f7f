"""Photos from a phone: what the phone's token allows, how many photos wait and how long, and which page gets one."""

import asyncio
import json

import pytest
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.testclient import TestClient

from tendigits.serve import state
from tendigits.serve.app import PAGE, create_app
from tendigits.serve.config import ServerConfig
from tendigits.serve.state import MAX_PHOTOS, PhotoInbox

pytestmark = pytest.mark.xdist_group("server")

TOKEN, PHONE_TOKEN = "0123456789abcdef", "fedcba9876543210"
PHONE, LAPTOP = {"authorization": f"Bearer {PHONE_TOKEN}"}, {"authorization": f"Bearer {TOKEN}"}
ALLOWED = {
    ("GET", "/phone.html"), ("GET", "/phone.js"), ("GET", "/style.css"), ("GET", "/icon.svg"),
    ("POST", "/v1/phone/photos"),
}  # fmt: skip
"""All that the phone's token is for."""
URL = f"http://127.0.0.1:8000/phone.html?token={PHONE_TOKEN}"


@pytest.fixture(scope="module")
def phone_application(tmp_path_factory):
    location = str(tmp_path_factory.mktemp("phone") / "a.db")
    app = create_app(ServerConfig(location, token=TOKEN, phone_url=URL, phone_token=PHONE_TOKEN, workers=1))
    with TestClient(app, base_url="http://127.0.0.1:8000") as client:
        yield client


@pytest.fixture
def with_phone(phone_application):
    """A server with --phone and no photo; the client has no token."""
    phone_application.cookies.clear()
    phone_application.app.state.tendigits.photos = PhotoInbox()
    return phone_application


def send(client, content=b"photo", **headers):
    return client.post("/v1/phone/photos", content=content, headers=PHONE | headers)


def test_a_photo_stays_until_the_page_that_has_fetched_it_deletes_it(with_phone):
    sent = send(with_phone, **{"content-type": "image/jpeg"})
    assert (sent.status_code, sent.json()) == (202, {"opens": False})
    for _ in range(2):  # a page that was reloaded waits and fetches again
        event = with_phone.get("/v1/phone/events", headers=LAPTOP).text
        path = f"/v1/phone/photos/{json.loads(event.split('data: ')[1])['number']}"
        photo = with_phone.get(path, headers=LAPTOP)
        assert (photo.content, photo.headers["content-type"]) == (b"photo", "image/jpeg")
    assert with_phone.delete(path, headers=LAPTOP).status_code == 204
    assert with_phone.get(path, headers=LAPTOP).status_code == 404


def test_an_empty_photo_is_refused(with_phone):
    """The phone's browser has lost it."""
    assert send(with_phone, b"").status_code == 400


def test_the_phones_token_allows_only_to_send_photos(with_phone):
    schema = with_phone.get("/openapi.json", headers=LAPTOP).json()
    requests = [(method.upper(), path) for path, operations in schema["paths"].items() for method in operations]
    requests += [("GET", f"/{entry.name}") for entry in PAGE.iterdir()]
    requests += [("GET", path) for path in ("/", "/docs", "/openapi.json", "/v1/nothing", "/phone.html/../index.html")]
    forbidden = [each for each in requests if each not in ALLOWED and each[1] not in ("/live", "/ready")]
    assert ("GET", "/v1/corrections/export") in forbidden
    for method, path in forbidden:
        url = path.replace("{number}", "1").replace("{name}", "a")
        cookies = [{"cookie": f"{name}={PHONE_TOKEN}"} for name in ("tendigits-phone-8000", "tendigits-token-8000")]
        for way in ({"headers": PHONE}, {"params": {"token": PHONE_TOKEN}}, *({"headers": each} for each in cookies)):
            answer = with_phone.request(method, url, **way)
            assert answer.status_code == 401, (method, path, way)
            assert "set-cookie" not in answer.headers
    for method, path in ALLOWED:
        assert with_phone.request(method, path).status_code == 401, path
        for headers in (PHONE, LAPTOP):
            content = b"photo" if method == "POST" else b""
            assert with_phone.request(method, path, headers=headers, content=content).status_code in (200, 202), path


def test_the_code_opens_the_page_and_its_cookie_sends_photos(with_phone):
    shown = with_phone.get("/v1/phone", headers=LAPTOP).json()
    assert shown["url"] == URL
    assert shown["code"].startswith("data:image/svg+xml")
    page = with_phone.get(shown["url"])
    assert page.headers["set-cookie"] == f"tendigits-phone-8000={PHONE_TOKEN}; HttpOnly; SameSite=Strict; Path=/"
    assert "Take a photo" in page.text
    assert with_phone.post("/v1/phone/photos", content=b"x").status_code == 202  # by the cookie
    elsewhere = {"origin": "http://evil.example"}
    assert with_phone.post("/v1/phone/photos", content=b"x", headers=elsewhere).status_code == 403


def test_without_the_flag_there_is_no_phone(client):
    assert client.get("/v1/phone").json() is None  # the page asks this whenever it is opened
    answer = client.post("/v1/phone/photos")
    assert answer.status_code == 404
    assert "start it with: tendigits serve --phone" in answer.json()["error"]


def test_a_few_photos_wait_in_order_until_they_are_too_old(monkeypatch):
    async def check():
        inbox = PhotoInbox()
        assert [inbox.put(Response()) for _ in range(MAX_PHOTOS)] == [False] * MAX_PHOTOS  # no page waits
        with pytest.raises(HTTPException, match="too many photos"):
            inbox.put(Response())
        first = await inbox.wait()
        inbox.delete(first)
        assert await inbox.wait() == first + 1
        monkeypatch.setattr(state, "MAX_PHOTO_AGE_SECONDS", 0.01)
        inbox.put(Response())
        await asyncio.sleep(0.1)
        with pytest.raises(HTTPException, match="send it again"):
            inbox.get(first + MAX_PHOTOS)
        assert await inbox.wait() == first + 1

    asyncio.run(check())


def test_the_page_that_waits_last_gets_the_photo():
    async def check():
        inbox = PhotoInbox()
        first, second, closed = (asyncio.create_task(inbox.wait()) for _ in range(3))
        assert (await first, await second) == (None, None)
        closed.cancel()
        await asyncio.wait([closed])
        assert inbox.put(Response()) is False
        number = await inbox.wait()  # the next page finds it at once
        inbox.delete(number)
        last = asyncio.create_task(inbox.wait())
        await asyncio.sleep(0)
        assert inbox.put(Response()) is True
        assert await last == number + 1

    asyncio.run(check())
