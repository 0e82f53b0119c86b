"""`scripts/bench kill-node`: a serving node killed a hundred times, and what was still there five seconds later: 0."""

import argparse
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from yanmen.model.config import Docker

from tests.attacks.container_kills import aimed
from tests.attacks.node_kills import SECONDS, STANDING, Tally, killed
from tests.system.town import Town


def main() -> int:
    """Kill, count and print; 0 when nothing was left."""
    parser = argparse.ArgumentParser(prog="scripts/bench kill-node", description=__doc__)
    parser.add_argument("--rounds", type=int, default=100, help="nodes killed (100)")
    parser.add_argument("--profile", choices=("landlock", "jail", "docker"), default="jail")
    parser.add_argument("--docker-socket", default=Docker().socket, metavar="PATH", help="the engine's")
    parser.add_argument("--aimed", action="store_true", help="with docker: only while a container comes to be")
    parser.add_argument("--runtime", default=Docker().runtime, help="with docker: what runs the containers (runc)")
    arguments = parser.parse_args()
    if arguments.aimed:
        tally = aimed(Docker(socket=arguments.docker_socket, runtime=arguments.runtime), arguments.rounds)
        return show(f"docker, {arguments.runtime}, killed while their container came to be", tally)
    docker = (
        Docker(socket=arguments.docker_socket, runtime=arguments.runtime) if arguments.profile == "docker" else None
    )
    with tempfile.TemporaryDirectory(prefix="yanmen-bench-") as folder:
        town = Town(Path(folder))
        town.build()
        town.configure(sandbox=arguments.profile, docker=docker or Docker())
        tally = killed(town, arguments.rounds, docker)
    return show(arguments.profile, tally)


def show(what: str, tally: Tally) -> int:
    """Print what was killed and what was left; 0 when nothing was."""
    print(f"{what}: {tally.rounds} nodes killed, while {tally.running} processes or containers of theirs ran")
    print(f"left after {SECONDS} s: {len(tally.left)}; all was gone after {tally.slowest_s:.2f} s at most")
    print(f"not counted, since the next start goes on with them: {', '.join(STANDING)}")
    for each in tally.left:
        print(f"  {each}")
    return 1 if tally.left else 0


if __name__ == "__main__":
    sys.exit(main())
