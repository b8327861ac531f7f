# The page and the REST API in a container: slim, not root, read-only. compose.yaml puts nginx in front of it.
#
#   docker build --tag tendigits .
#   docker run --read-only --tmpfs /tmp --volume data:/data --env TENDIGITS_TOKEN=... --publish 8000:8000 tendigits
FROM python:3.13-slim AS build
COPY . /source
RUN python -m venv /opt/tendigits
RUN python -m pip install --quiet uv
RUN python -m uv pip install --python /opt/tendigits/bin/python --compile-bytecode --constraint /source/requirements.lock "/source[serve]"

FROM python:3.13-slim
COPY --from=build /opt/tendigits /opt/tendigits
RUN useradd --system --uid 10001 --home-dir /data --create-home tendigits
USER 10001
WORKDIR /data
VOLUME /data
ENV HOME=/data
EXPOSE 8000
HEALTHCHECK --start-period=60s CMD ["/opt/tendigits/bin/python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/ready', timeout=4)"]
CMD ["/opt/tendigits/bin/tendigits", "serve", "--host", "0.0.0.0", "--port", "8000", "--store", "/data/corrections.db"]
