"""Photos from a phone over HTTP: what the phone's token allows, and that nothing is there without serve --phone."""

import pytest
from starlette.testclient import TestClient

from tendigits.serve.app import PAGE, create_app
from tendigits.serve.config import ServerConfig
from tendigits.serve.routes.photo_inbox import MAX_PHOTOS

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
    """A server with --phone and no photo; the client has no token of its own."""
    phone_application.cookies.clear()
    while phone_application.delete("/v1/phone/photos/next", headers=LAPTOP).status_code == 200:
        pass
    return phone_application


def test_a_photo_goes_from_the_phone_to_the_laptop_once(with_phone):
    sent = with_phone.post("/v1/phone/photos", content=b"photo", headers={"content-type": "image/jpeg", **PHONE})
    assert (sent.status_code, sent.json()) == (202, {"opens": False})
    assert "event: photo\n" in with_phone.get("/v1/phone/events", headers=LAPTOP).text
    photo = with_phone.delete("/v1/phone/photos/next", headers=LAPTOP)
    assert (photo.content, photo.headers["content-type"]) == (b"photo", "image/jpeg")
    assert with_phone.delete("/v1/phone/photos/next", headers=LAPTOP).status_code == 404


def test_a_photo_is_never_served_as_a_page(with_phone):
    with_phone.post("/v1/phone/photos", content=b"<script>", headers={"content-type": "text/html", **PHONE})
    photo = with_phone.delete("/v1/phone/photos/next", headers=LAPTOP)
    assert photo.headers["content-type"] == "application/octet-stream"


def test_one_photo_too_many_is_refused(with_phone):
    statuses = [with_phone.post("/v1/phone/photos", content=b"x", headers=PHONE).status_code for _ in range(5)]
    assert statuses == [202] * MAX_PHOTOS + [409]


def test_the_phones_token_allows_nothing_but_to_send_photos(with_phone):
    schema = with_phone.get("/openapi.json", headers=LAPTOP).json()
    requests = [(method.upper(), path) for path, operations in schema["paths"].items() for method in operations]
    requests += [("GET", f"/{entry.name}") for entry in PAGE.iterdir()]
    requests += [("GET", path) for path in ("/", "/docs", "/openapi.json", "/v1/nothing")]
    requests += [("GET", "/phone.html/"), ("GET", "/phone.html/../index.html"), ("POST", "/phone.html")]
    scope = [each for each in requests if each not in ALLOWED and each[1] not in ("/live", "/ready")]
    assert len(scope) > 50
    assert ("GET", "/v1/corrections/export") in scope
    for method, path in scope:
        url = path.replace("{number}", "1").replace("{name}", "a")
        ways = ({"headers": PHONE}, {"params": {"token": PHONE_TOKEN}}, {"headers": cookie(PHONE_TOKEN)},
                {"headers": {"cookie": f"tendigits-token={PHONE_TOKEN}"}})  # fmt: skip
        for way in ways:
            answer = with_phone.request(method, url, **way)
            assert answer.status_code == 401, (method, path, way)
            assert "set-cookie" not in answer.headers
    for method, path in ALLOWED:
        assert with_phone.request(method, path).status_code == 401, path
        assert with_phone.request(method, path, headers=PHONE).status_code in (200, 202), path
        assert with_phone.request(method, path, headers=LAPTOP).status_code in (200, 202), path


def cookie(token):
    return {"cookie": f"tendigits-phone={token}"}


def test_the_code_opens_the_page_and_its_cookie_sends_photos(with_phone):
    shown = with_phone.get("/v1/phone", headers=LAPTOP).json()
    assert shown["url"] == URL
    assert shown["code"].startswith("data:image/svg+xml")
    page = with_phone.get(shown["url"])
    assert page.headers["set-cookie"] == f"tendigits-phone={PHONE_TOKEN}; HttpOnly; SameSite=Strict; Path=/"
    assert "Take a photo" in page.text
    assert with_phone.post("/v1/phone/photos", content=b"x").status_code == 202  # by the cookie
    assert with_phone.get("/v1/corrections").status_code == 401
    elsewhere = {"origin": "http://evil.example"}
    assert with_phone.post("/v1/phone/photos", content=b"x", headers=elsewhere).status_code == 403


def test_without_the_flag_nothing_is_there(client):
    assert client.get("/v1/phone").json() is None  # a page asks this whenever it is opened
    for method, path in (
        ("POST", "/v1/phone/photos"),
        ("GET", "/v1/phone/events"),
        ("DELETE", "/v1/phone/photos/next"),
    ):
        answer = client.request(method, path)
        assert answer.status_code == 404
        assert "start it with: tendigits serve --phone" in answer.json()["error"]
