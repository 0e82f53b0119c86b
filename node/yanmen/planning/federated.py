"""Whether a plan may be answered in shares: noise enough for its charge, the shape all nodes agreed on.

Each aggregator adds Gaussian noise of variance `sigma_squared` to each aggregate, so that the total
keeps that much whoever else colludes. One unit in `m` of the nodes moves an aggregate's vector by at
most m times its L2 sensitivity here, which costs m^2 * l2_squared / (2 * sigma_squared) of zCDP
(Bun and Steinke 2016, lemma 2.5; the discrete Gaussian's is no more, Canonne et al. 2020, theorem 4).
"""

from dataclasses import replace
from fractions import Fraction

from yanmen.formats import shape
from yanmen.model.catalogue import DatasetClass
from yanmen.model.federation import NOISES, Manifest, Mode
from yanmen.model.joining import VIEW_PERCENT
from yanmen.model.refusal import Detail, Reason, Refused
from yanmen.model.stages import Plan

MICRO = 1_000_000
_NOISE_UPTO = 2**32
"""What no noise reaches: 64 standard deviations of the widest there may be."""


def in_shares(plan: Plan) -> Plan:
    """Return `plan` bound to the manifest it was admitted with, or refuse; without one it stays as it is."""
    signed = plan.admitted.manifest
    if signed is None:
        return plan
    if not may_be(plan):
        raise _refused(Reason.SHAPE_MISMATCH, plan.release.value, _ONLY_PERSONAL)
    if (plan.part is not None) != (signed.manifest.mode is Mode.JOINED):
        raise _refused(Reason.SHAPE_MISMATCH, signed.manifest.mode.value, _OTHER_SHAPE)
    if plan.part is not None and tuple(side.node for side in plan.part.link.sides) != tuple(
        invited.node for invited in signed.manifest.nodes
    ):
        raise _refused(Reason.SHAPE_MISMATCH, "nodes", _OTHER_SHAPE)
    described = shape.encode(plan)
    if shape.digest(described) != signed.manifest.shape_sha256 or shape.grids(described) != signed.manifest.layout:
        raise _refused(Reason.SHAPE_MISMATCH, "shape", _OTHER_SHAPE)
    _check_partition(plan, signed.manifest)
    _check_reach(plan, signed.manifest)
    _check_noise(plan, signed.manifest)
    return replace(plan, manifest=signed, canonical=f"{plan.canonical}\n{signed.sha256}")


def may_be(plan: Plan) -> bool:
    """Whether a question can be federated: about persons, released on grids whose keys are all declared."""
    return plan.release is DatasetClass.PERSONAL and all(key.domain for key in plan.keys)


def for_figures(plan: Plan) -> int:
    """Return what of the charge, in micro-rho, is left for the figures: of a join, sizes are seen for the rest."""
    return plan.micro_rho if plan.part is None else plan.micro_rho * (100 - VIEW_PERCENT) // 100


def _check_noise(plan: Plan, manifest: Manifest) -> None:
    if len(manifest.sigma_squared) != len(plan.aggregates):
        raise _refused(Reason.SHAPE_MISMATCH, "sigma_squared", _OTHER_SHAPE)
    cost = sum(
        Fraction(manifest.multiplicity**2 * aggregate.l2_squared, 2 * variance)
        for aggregate, variance in zip(plan.aggregates, manifest.sigma_squared, strict=True)
    )
    if cost > Fraction(for_figures(plan), MICRO):
        raise _refused(Reason.NOISE_TOO_SMALL, "sigma_squared", _MORE_NOISE)


def _check_reach(plan: Plan, manifest: Manifest) -> None:
    """The sum of all nodes' public ranges must be a number that shares can stand for."""
    for aggregate in plan.aggregates:
        widest = max(abs(aggregate.lower), abs(aggregate.upper))
        times = 1 if plan.part is not None else len(manifest.nodes)
        if times * widest + NOISES * _NOISE_UPTO >= manifest.mode.reach:
            raise _refused(Reason.MEASURE_WITHOUT_BOUNDS, aggregate.name, _TOO_WIDE)


def _check_partition(plan: Plan, manifest: Manifest) -> None:
    """A unit is in one node only within a partition that every owner has declared."""
    if not manifest.partition:
        if plan.together:
            raise _refused(Reason.SHAPE_MISMATCH, "partition", _APART)
        return
    for scan in plan.scans:
        dataset = scan.version.dataset
        if dataset.cls is DatasetClass.PERSONAL and dataset.partition != manifest.partition:
            raise _refused(Reason.SHAPE_MISMATCH, dataset.name, _NO_PARTITION)


def _refused(reason: Reason, subject: str, hint: tuple[str, str]) -> Refused:
    return Refused(reason, Detail(subject=subject, hint_en=hint[0], hint_zh=hint[1]))


_ONLY_PERSONAL = (
    "Only questions about persons, released with noise over declared key domains, can be answered in shares; ask this"
    " one of each node.",
    "只有在已声明取值域上带噪声发布的个人数据查询才能以秘密份额回答；请分别向各节点提问。",
)
_APART = (
    "It counts units, groups by them or joins on them, which adds up only where all rows of a unit are in one node:"
    " name the `partition` that the owners have declared.",
    "本查询按个体计数、分组或关联，仅当同一个体的全部记录在同一节点时结果才可相加：请指明各方已声明的 partition。",
)
_OTHER_SHAPE = (
    "This node would give another table than the manifest says: explain the question here and compare the shapes.",
    "本节点对该查询给出的表与清单不一致：请在本节点 explain 后比对形状。",
)
_MORE_NOISE = (
    "The noise the manifest promises is too small for its charge at this node; raise sigma_squared or micro_rho.",
    "清单承诺的噪声不足以匹配本节点的扣减量；请提高 sigma_squared 或 micro_rho。",
)
_TOO_WIDE = (
    "The sum over so many nodes may be wider than shares hold (63 bits; 60 in robust mode): declare narrower bounds.",
    "如此多节点之和可能超出份额可表示的范围（63 位；稳健模式 60 位）：请声明更窄的度量边界。",
)
_NO_PARTITION = (
    "The owner has not declared this dataset part of that partition; leave `partition` empty.",
    "数据提供方未将该数据集声明为此划分的一部分；请将 partition 留空。",
)
