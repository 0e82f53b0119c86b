"""The jobs by name."""

from yanmen_sandbox.job import Job
from yanmen_sandbox.jobs import drafting, importing, post, probe, query, vet
from yanmen_sandbox.seccomp_policy import WRITE_SNAPSHOT

_STANDING = vet.Standing()
"""Of the one worker that this process is, or becomes."""

JOBS = {
    "vet": Job(vet.vet_once, each=vet.vet, ready=vet.get_ready_to_vet),
    "bind": Job(vet.bind_once, vet.create, each=_STANDING.bind, ready=_STANDING.get_ready, tidy=_STANDING.tidy),
    "query": Job(query.run, query.prepare, each=query.run),
    "post": Job(post.run),
    "import": Job(importing.run, importing.prepare, importing.make_blank, WRITE_SNAPSHOT),
    "inspect": Job(drafting.run, drafting.prepare),
    "probe": Job(probe.run, probe.prepare, probe.first),
}
