# The node and its sandbox worker: two images of one file. Built by scripts/docker-engine, without a registry and without
# network, in the context that scripts/image_files/context.py writes for either:
#   scripts/docker-engine image worker
#   scripts/docker-engine image node
# BASE is any image with Python 3.11 or newer at the head of its PATH, of the version and architecture of the context's wheels.
# Neither image adds a compiler, a package manager or a setuid file, and both run as an ordinary user. Jobs confine themselves with
# Landlock and seccomp and need no privilege: do not add any.
ARG BASE=yanmen-base

FROM ${BASE} AS files
COPY . /build
RUN ["python3", "/build/scripts/image_files/install.py"]

FROM ${BASE} AS worker
COPY --from=files /usr/lib/yanmen /usr/lib/yanmen
ENV PATH=/usr/lib/yanmen/bin
USER 65534:65534
CMD ["python3", "-I", "-B", "-m", "yanmen_sandbox.contained"]

FROM ${BASE} AS node
COPY --from=files /usr/lib/yanmen /usr/lib/yanmen
ENV PATH=/usr/lib/yanmen/bin:/usr/local/bin:/usr/bin:/bin HOME=/nonexistent LANG=C.UTF-8
USER 10001:10001
WORKDIR /var/lib/yanmen
ENTRYPOINT ["yanmen"]
CMD ["--help"]
