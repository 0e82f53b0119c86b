"""Why a store gave no object, in words for its holder: what to do next, and no text of the store's."""

from yanmen.execution.reader_trouble import EXIT_NO_LANDLOCK, EXIT_NO_SECCOMP, Words
from yanmen.model.refusal import Detail, Fault, FaultCode, JobCode, JobFailed, Reason, Refused

OF_THE_NODE = {
    "UNREACHABLE": (
        FaultCode.UNREACHABLE,
        Words("the store does not answer: check endpoint and network", "存储无应答：请核对 endpoint 与网络"),
    ),
    "TLS": (
        FaultCode.UNREACHABLE,
        Words(
            "TLS is not verified: name the store's certificates as authority, or correct the endpoint's host",
            "TLS 未通过验证：请用 authority 指定存储的证书，或更正 endpoint 的主机名",
        ),
    ),
    "FORBIDDEN": (
        FaultCode.UNREACHABLE,
        Words(
            "the store refuses these keys for this object: check keys, region, their right to GetObject, and the clock",
            "存储拒绝以该密钥读取此对象：请核对密钥、region、GetObject 权限与本机时钟",
        ),
    ),
    "ROOM": (
        FaultCode.STORAGE_FULL,
        Words("the object does not fit: name a volume.folder", "容量不足：请配置 volume.folder"),
    ),
}
"""Troubles that are no answer: what is around the object is broken."""
OF_THE_SOURCE = {
    "MISSING": Words("There is no such object, or these keys may not see it.", "没有此对象，或该密钥无权查看。"),
    "CHANGED": Words(
        "The object is not the one that was pinned: look at it, then pin its etag or sha256 anew.",
        "对象与锁定的不一致：请核对后重新锁定 etag 或 sha256。",
    ),
    "ELSEWHERE": Words(
        "The bucket is elsewhere: correct endpoint and region.", "存储桶不在此处：请更正 endpoint 与 region。"
    ),
    "STATUS": Words("The store refuses the request: try it with its own client.", "存储拒绝请求：请用其客户端核对。"),
    "LENGTH": Words("The store does not say how long the object is.", "存储未给出对象长度。"),
    "CUT": Words("The object was cut off on its way: publish again.", "对象传输中断：请重新发布。"),
    "TIMEOUT": Words("The object took longer than timeout_seconds: raise it.", "读取超过 timeout_seconds：请调大。"),
    "FAILED": Words("The reader could not read the object.", "读取进程无法读取该对象。"),
}


def told(trouble: str, status: int, endpoint: str = "") -> Exception:
    """Return what to raise for a `trouble` the reader told; `status` is what the store at `endpoint` said, or 0."""
    if trouble in OF_THE_NODE:
        code, words = OF_THE_NODE[trouble]
        return Fault(code, f"object storage 对象存储 {endpoint}".rstrip() + f": {words.en}（{words.zh}）")
    if trouble not in OF_THE_SOURCE:
        return JobFailed(JobCode.BAD_REPLY)
    words = OF_THE_SOURCE[trouble]
    clauses = (f"HTTP {status}",) if 100 <= status <= 599 else ()
    return Refused(Reason.SOURCE_MISMATCH, Detail("", hint_en=words.en, hint_zh=words.zh, clauses=clauses))


def ended(failed: JobFailed, exit_status: int | None, endpoint: str = "") -> Exception:
    """Return what to raise for a reader that ended without a reply."""
    if exit_status in {EXIT_NO_LANDLOCK, EXIT_NO_SECCOMP}:
        layer = "Landlock" if exit_status == EXIT_NO_LANDLOCK else "seccomp"
        note = f"the kernel has no {layer}, which the reader of objects needs（内核缺少 {layer}）"
        return Fault(FaultCode.SANDBOX, note)
    if failed.code is JobCode.VIOLATION:
        return Fault(
            FaultCode.SANDBOX, "SECURITY EVENT 安全事件: the reader of objects made a call that it never makes"
        )
    return told("TIMEOUT" if failed.code is JobCode.TIME else "FAILED", 0, endpoint)
