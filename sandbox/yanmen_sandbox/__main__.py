"""One job per process: `python -I -B -m yanmen_sandbox REPLY_FD NODE_PID ACCOUNT`, the request on descriptor 0."""

import os
import sys

from yanmen_sandbox import apart
from yanmen_sandbox.jobs.table import JOBS
from yanmen_sandbox.lockdown import Surroundings
from yanmen_sandbox.worker import serve

if __name__ == "__main__":
    try:
        serve(int(sys.argv[1]), Surroundings(int(sys.argv[2]), account=apart.account(sys.argv[3])), JOBS)
    finally:
        # No interpreter teardown: it would run engine destructors for nothing.
        os._exit(0 if sys.exc_info()[0] is None else 1)
