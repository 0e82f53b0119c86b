"""What is asked of Landlock is everything it can refuse, at every ABI."""

import landlockpy
import pytest
import seccompy
from yanmen_sandbox import kernel


@pytest.mark.parametrize("abi", range(1, landlockpy.flags.LATEST_ABI + 1))
def test_every_right_of_every_abi_is_handled(abi: int) -> None:
    assert kernel.landlock_rights(abi) == (
        int(landlockpy.fs_for_abi(abi)),
        int(landlockpy.net_for_abi(abi)),
        int(landlockpy.scope_for_abi(abi)),
    )


def test_the_host_is_seen_as_others_see_it() -> None:
    machine = kernel.architecture()
    assert kernel.landlock_abi() == landlockpy.abi_version()
    assert kernel.seccomp_available() == seccompy.supported()
    assert machine is not None
    assert machine.audit == seccompy.audit_arch()
    assert machine.seccomp == seccompy.syscall_nr("seccomp")


def test_an_unknown_architecture_has_no_jail(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.machine", lambda: "loongarch64")
    assert kernel.architecture() is None
    assert not kernel.seccomp_available()
