"""The compiled filter decides as its table says, on both architectures, and as an independent compiler would."""

import errno
import struct

import pytest
import seccompy
from seccompy.syscalls import AARCH64_SYSCALLS, X86_64_SYSCALLS
from yanmen_sandbox.kernel import ARCHITECTURES, Architecture
from yanmen_sandbox.kernel import SECCOMP_RET_KILL_PROCESS as KILL_PROCESS
from yanmen_sandbox.seccomp_filter import ALLOW, REFUSE, compile_policy
from yanmen_sandbox.seccomp_policy import ATTACH, COMPUTE, KILLED, SPILL, WRITE_SNAPSHOT, Allowed

REPLY = 7
TABLES = {"x86_64": X86_64_SYSCALLS, "aarch64": AARCH64_SYSCALLS}
MACHINES = list(ARCHITECTURES.items())


def verdict(program: bytes, machine: Architecture, call: int, *arguments: int, audit: int | None = None) -> int:
    """Interpret the classic BPF that the kernel would run on one call."""
    padded = (*arguments, *[0] * (6 - len(arguments)))
    data = struct.pack("=iIQ6Q", call, machine.audit if audit is None else audit, 0, *padded)
    accumulator, place = 0, 0
    instructions = list(struct.iter_unpack("=HBBI", program))
    while True:
        code, equal, other, operand = instructions[place]
        place += 1
        match code:
            case 0x20:
                (accumulator,) = struct.unpack_from("=I", data, operand)
            case 0x54:
                accumulator &= operand
            case 0x15:
                place += equal if accumulator == operand else other
            case 0x06:
                return int(operand)
            case _:
                pytest.fail(f"instruction {code:#x}")


@pytest.mark.parametrize(("name", "machine"), MACHINES)
def test_the_numbers_are_the_kernels(name: str, machine: Architecture) -> None:
    for rule in (*COMPUTE, *WRITE_SNAPSHOT, *ATTACH, *SPILL, *KILLED):
        assert rule.numbers[machine.column] == TABLES[name].get(rule.name), rule.name


@pytest.mark.parametrize("rules", [COMPUTE, WRITE_SNAPSHOT, ATTACH, SPILL, KILLED])
def test_every_call_is_listed_once_with_a_reason(rules: tuple[Allowed, ...]) -> None:
    assert len({rule.name for rule in rules}) == len(rules)
    assert all(len(rule.reason) > 2 for rule in rules)


@pytest.mark.parametrize(("name", "machine"), MACHINES)
@pytest.mark.parametrize("extra", [(), ATTACH, WRITE_SNAPSHOT, SPILL])
def test_what_is_not_listed_is_refused(name: str, machine: Architecture, extra: tuple[Allowed, ...]) -> None:
    program = compile_policy(machine, REPLY, extra)
    plain = {rule.numbers[machine.column] for rule in (*COMPUTE, *extra) if not rule.only_to_reply}
    killed = {rule.numbers[machine.column] for rule in KILLED}
    for call, number in TABLES[name].items():
        expected = ALLOW if number in plain else KILL_PROCESS if number in killed else REFUSE
        assert verdict(program, machine, number) == expected, call
    assert verdict(program, machine, 5000) == REFUSE
    assert verdict(program, machine, -1) == REFUSE


@pytest.mark.parametrize(("_name", "machine"), MACHINES)
def test_a_foreign_architecture_ends_the_process(_name: str, machine: Architecture) -> None:
    program = compile_policy(machine, REPLY)
    for audit in (0x40000003, 0xC00000F3, 0):  # i386, riscv64, nothing
        assert verdict(program, machine, 0, audit=audit) == KILL_PROCESS


def test_the_x32_numbers_are_refused() -> None:
    machine = ARCHITECTURES["x86_64"]
    program = compile_policy(machine, REPLY, ATTACH)
    assert all(verdict(program, machine, 0x40000000 | number) == REFUSE for number in range(600))


@pytest.mark.parametrize(("name", "machine"), MACHINES)
def test_memory_is_never_executable(name: str, machine: Architecture) -> None:
    program = compile_policy(machine, REPLY, (*ATTACH, *WRITE_SNAPSHOT))
    for call in ("mmap", "mprotect"):
        number = TABLES[name][call]
        for protection in range(16):
            expected = REFUSE if protection & 4 else ALLOW
            assert verdict(program, machine, number, 0, 4096, protection) == expected
            assert verdict(program, machine, number, 0, 4096, protection | 1 << 40) == expected


@pytest.mark.parametrize(("name", "machine"), MACHINES)
def test_memory_is_never_shared(name: str, machine: Architecture) -> None:
    program = compile_policy(machine, REPLY, (*ATTACH, *WRITE_SNAPSHOT))
    for flags in range(64):
        expected = REFUSE if flags & 1 else ALLOW
        assert verdict(program, machine, TABLES[name]["mmap"], 0, 4096, 3, flags) == expected
        assert verdict(program, machine, TABLES[name]["mmap"], 0, 4096, 3, flags | 1 << 40) == expected
        assert verdict(program, machine, TABLES[name]["mmap"], 0, 4096, 7, flags) == REFUSE


@pytest.mark.parametrize(("name", "machine"), MACHINES)
def test_only_the_reply_can_be_written(name: str, machine: Architecture) -> None:
    program = compile_policy(machine, REPLY)
    for descriptor in range(64):
        assert verdict(program, machine, TABLES[name]["write"], descriptor) == (
            ALLOW if descriptor == REPLY else REFUSE
        )
    for call in ("pwrite64", "writev", "pwritev", "sendfile", "splice"):
        assert verdict(program, machine, TABLES[name][call], REPLY) == REFUSE


def conditions(rule: Allowed) -> list[seccompy.ArgCmp] | None:
    if rule.only_to_reply:
        return [seccompy.ArgCmp(0, seccompy.CmpOp.EQ, REPLY)]
    found = [seccompy.ArgCmp(2, seccompy.CmpOp.MASKED_EQ, 0, 4)] if rule.never_executable else []
    found += [seccompy.ArgCmp(3, seccompy.CmpOp.MASKED_EQ, 0, 1)] if rule.never_shared else []
    return found or None


def test_another_compiler_comes_to_the_same_verdicts() -> None:
    machine = ARCHITECTURES[seccompy.arch()]
    extra = (*ATTACH, *WRITE_SNAPSHOT, *SPILL)
    other = seccompy.Filter(seccompy.Action.ERRNO | errno.EPERM)
    for killed in KILLED:
        if killed.numbers[machine.column] is not None:
            other.kill(killed.name)
    for rule in (*COMPUTE, *extra):
        if rule.numbers[machine.column] is not None:
            other.allow(rule.name, args=conditions(rule))
    ours = compile_policy(machine, REPLY, extra)
    for number in range(600):
        for arguments in ((), (REPLY, 0, 0), (0, 0, 1), (0, 0, 4), (REPLY, 0, 7)):
            assert verdict(ours, machine, number, *arguments) == verdict(other.program, machine, number, *arguments)
