# One node and its sandbox worker. Nothing in scripts/test builds this: that needs a container engine.
#   docker build --build-arg BASE=<a Debian 12 or newer image with Python 3.11 or newer> -t yanmen .
#   docker run -v /srv/health:/var/lib/yanmen/health -p 8443:8443 yanmen node serve health
# Jobs confine themselves with Landlock and seccomp and need no privilege: do not add any. Where the engine's own
# profile forbids those system calls the node refuses to start and says so.
ARG BASE=python:3.11-slim-bookworm

FROM ${BASE} AS build
WORKDIR /usr/lib/yanmen
COPY . .
RUN scripts/setup

FROM ${BASE}
RUN useradd --system --uid 10001 --create-home --home-dir /var/lib/yanmen yanmen
COPY --from=build /usr/lib/yanmen /usr/lib/yanmen
ENV PATH=/usr/lib/yanmen/.venv/bin:$PATH
USER 10001
WORKDIR /var/lib/yanmen
ENTRYPOINT ["yanmen"]
CMD ["--help"]
