"""docs/nginx.conf: nginx in front of the server, as on the internet."""

import shutil
import ssl
import subprocess
import time
from pathlib import Path

import httpx
import numpy as np
import pytest

from drawing import png
from processes import ServeProcess, free_port

CONFIGURATION = Path(__file__).parents[2] / "docs" / "nginx.conf"
NGINX = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")
HOST, TOKEN = "reader.example.org", "0123456789abcdef0123"

FRAME = """
pid nginx.pid; error_log error.log; daemon off;
events {{ worker_connections 512; }}
http {{ access_log off; client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;
uwsgi_temp_path uwsgi; scgi_temp_path scgi;
{}
}}
"""


@pytest.fixture
def client(tmp_path):
    """A client of nginx with the configuration in docs/; only its ports and its certificate are replaced."""
    if NGINX is None:
        pytest.skip("needs nginx")
    subject = ["-subj", f"/CN={HOST}", "-addext", f"subjectAltName=DNS:{HOST},IP:127.0.0.1"]
    files = ["-keyout", "privkey.pem", "-out", "fullchain.pem"]
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", *files, *subject]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    server, port = ServeProcess(tmp_path, "--name", HOST, TENDIGITS_TOKEN=TOKEN), free_port()
    text = CONFIGURATION.read_text().replace("listen 443", f"listen 127.0.0.1:{port}")
    text = text.replace("127.0.0.1:8000", f"127.0.0.1:{server.port}")
    text = text.replace(f"/etc/letsencrypt/live/{HOST}/", f"{tmp_path}/")
    (tmp_path / "nginx.conf").write_text(FRAME.format(text))
    nginx = subprocess.Popen([NGINX, "-p", tmp_path, "-c", "nginx.conf"], stderr=subprocess.PIPE)
    headers = {"host": HOST, "authorization": f"Bearer {TOKEN}"}
    trusted = ssl.create_default_context(cafile=tmp_path / "fullchain.pem")
    try:
        with httpx.Client(base_url=f"https://127.0.0.1:{port}", headers=headers, verify=trusted, timeout=30) as client:
            for _ in range(100):
                try:
                    client.get("/live")
                    break
                except httpx.ConnectError:
                    time.sleep(0.1)
            yield client
    finally:
        nginx.terminate()
        nginx.communicate()
        server.stop()


@pytest.mark.slow
def test_the_page_and_the_api_work_through_nginx_within_its_limits(client, digits):
    picture = png(digits.x_test[0])
    browser = {"origin": f"https://{HOST}", "sec-fetch-site": "same-origin"}
    answer = client.post("/v1/read?one=true", content=picture, headers=browser)
    assert answer.json()["pages"][0]["text"] == str(digits.y_test[0])
    assert client.post("/v1/read", content=picture, headers={"authorization": ""}).status_code == 401
    assert client.post("/v1/read", content=picture, headers={"origin": "https://elsewhere.example"}).status_code == 403
    assert client.post("/v1/read", content=np.zeros(33 << 20, np.uint8).tobytes()).status_code == 413
    statuses = [client.get("/live").status_code for _ in range(200)]
    assert statuses[:20] == [200] * 20
    assert 503 in statuses, "more than 20 requests a second from one address are refused"
