"""Compiles the policy to classic BPF, the form the kernel takes (linux/filter.h, linux/seccomp.h)."""

import errno
import struct
from collections.abc import Iterable

from yanmen_sandbox.kernel import SECCOMP_RET_KILL_PROCESS, Architecture
from yanmen_sandbox.seccomp_policy import COMPUTE, KILLED, Allowed, Killed

# linux/seccomp.h
REFUSE = 0x00050000 | errno.EPERM
ALLOW = 0x7FFF0000

# offsetof(struct seccomp_data, …)
OFFSET_NR = 0
OFFSET_ARCH = 4
OFFSET_ARGS = 16

# linux/bpf_common.h: BPF_LD|BPF_W|BPF_ABS, BPF_JMP|BPF_JEQ|BPF_K, BPF_ALU|BPF_AND|BPF_K, BPF_RET|BPF_K
LOAD = 0x20
JUMP_EQUAL = 0x15
AND = 0x54
RETURN = 0x06

# asm-generic/mman-common.h; MAP_SHARED_VALIDATE has the bit of MAP_SHARED too.
PROT_EXEC = 0x4
MAP_SHARED = 0x1

_WORD = 0xFFFFFFFF


def compile_policy(
    machine: Architecture,
    reply_fd: int,
    extra: Iterable[Allowed] = (),
    end: int = SECCOMP_RET_KILL_PROCESS,
    ending: Iterable[Killed] = KILLED,
) -> bytes:
    """Return the program: foreign ABIs and calls `ending` it end the process, listed calls pass, the rest get EPERM."""
    program = [
        _instruction(LOAD, OFFSET_ARCH),
        _instruction(JUMP_EQUAL, machine.audit, equal=1),
        _instruction(RETURN, end),
        _instruction(LOAD, OFFSET_NR),
    ]
    for killed in ending:
        program += _when(killed.numbers[machine.column], [_instruction(RETURN, end)])
    for allowed in (*COMPUTE, *extra):
        program += _when(allowed.numbers[machine.column], _verdict(allowed, reply_fd))
    program.append(_instruction(RETURN, REFUSE))
    return b"".join(program)


def _when(number: int | None, block: list[bytes]) -> list[bytes]:
    """Run `block`, which returns, for call `number`; skip it for the others. None: not on this machine."""
    if number is None:
        return []
    return [_instruction(JUMP_EQUAL, number, other=len(block)), *block]


def _verdict(allowed: Allowed, reply_fd: int) -> list[bytes]:
    conditions: list[tuple[int, int, int]] = []
    if allowed.only_to_reply:
        conditions.append((0, _WORD, reply_fd))
    if allowed.never_executable:
        conditions.append((2, PROT_EXEC, 0))
    if allowed.never_shared:
        conditions.append((3, MAP_SHARED, 0))
    return [*(step for each in conditions for step in _hold(*each)), _instruction(RETURN, ALLOW)]


def _hold(index: int, mask: int, value: int) -> list[bytes]:
    """Refuse unless the low word of the argument, masked, is `value`: descriptors and flags are 32 bits wide."""
    return [
        _instruction(LOAD, OFFSET_ARGS + 8 * index),
        _instruction(AND, mask),
        _instruction(JUMP_EQUAL, value, equal=1),
        _instruction(RETURN, REFUSE),
    ]


def _instruction(code: int, operand: int, equal: int = 0, other: int = 0) -> bytes:
    """Pack one struct sock_filter; `equal` and `other` are how many instructions a comparison skips."""
    return struct.pack("=HBBI", code, equal, other, operand)
