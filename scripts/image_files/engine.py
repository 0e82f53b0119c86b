"""What scripts/docker-engine asks of the engine at a socket: its version, a base image, an image of ours."""

import sys

import docker
from docker.errors import DockerException


def main() -> int:
    """Do what the command line says."""
    socket, verb, *words = sys.argv[1:]
    try:
        api = docker.APIClient(f"unix://{socket}", version="auto", timeout=600)
        try:
            return {"version": version, "import": imported, "build": built}[verb](api, *words)
        finally:
            api.close()
    except DockerException as error:
        print(f"docker-engine: {error}", file=sys.stderr)
        return 3


def version(api: docker.APIClient) -> int:
    """Print the engine's version, its storage and its runtimes."""
    info = api.info()
    print(
        f"{info['ServerVersion']}, {info['Driver']}, cgroup v{info.get('CgroupVersion')}: {' '.join(info['Runtimes'])}"
    )
    return 0


def imported(api: docker.APIClient, path: str, name: str) -> int:
    """Make an image of the tar archive at `path`, with the PATH under which its Python is found."""
    api.import_image_from_file(path, repository=name, tag="latest", changes=["ENV PATH=/usr/local/bin"])
    return 0


def built(api: docker.APIClient, context: str, stage: str, base: str) -> int:
    """Build one stage of the Dockerfile in the folder `context`, without network; print what went wrong, if it did."""
    steps = api.build(
        path=context,
        target=stage,
        tag=f"yanmen-{stage}",
        buildargs={"BASE": base},
        network_mode="none",
        rm=True,
        forcerm=True,
        decode=True,
    )
    said = []
    for step in steps:
        said.append(str(step.get("stream", "")))
        if "error" in step:
            print("".join(said)[-2000:], step["error"], sep="\n", file=sys.stderr)
            return 3
    image = api.inspect_image(f"yanmen-{stage}")
    print(f"yanmen-{stage} {image['Id']} {image['Size'] // 1_000_000} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
