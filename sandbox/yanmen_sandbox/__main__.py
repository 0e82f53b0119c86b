"""One job per process: `python -I -B -m yanmen_sandbox REPLY_FD NODE_PID`, the request on descriptor 0."""

import os
import sys

from yanmen_sandbox.job import Job
from yanmen_sandbox.jobs import drafting, importing, post, probe, query, vet
from yanmen_sandbox.seccomp_policy import WRITE_SNAPSHOT
from yanmen_sandbox.worker import serve

JOBS = {
    "vet": Job(vet.vet),
    "bind": Job(vet.bind, vet.prepare_bind),
    "query": Job(query.run, query.prepare),
    "post": Job(post.run),
    "import": Job(importing.run, importing.prepare, importing.make_blank, WRITE_SNAPSHOT),
    "inspect": Job(drafting.run, drafting.prepare),
    "probe": Job(probe.run, probe.prepare, probe.first),
}

if __name__ == "__main__":
    try:
        serve(int(sys.argv[1]), int(sys.argv[2]), JOBS)
    finally:
        # No interpreter teardown: it would run engine destructors for nothing.
        os._exit(0 if sys.exc_info()[0] is None else 1)
