"""The only calls into OpenDP: the Gaussian measurement, its cost, and what a cost means as (ε, δ).

The library is 265 MB and slow to load, so it is loaded on first use; its prelude not at all, which loads whatever
data frame libraries are installed.
"""

from importlib.metadata import version
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opendp.mod import Measurement


def gaussian(scale: float) -> "Measurement":
    """Return the discrete Gaussian of standard deviation `scale` on 64-bit integer vectors, under the L2 distance."""
    from opendp.domains import atom_domain, vector_domain
    from opendp.measurements import make_gaussian
    from opendp.metrics import l2_distance
    from opendp.mod import enable_features

    enable_features("contrib")
    return make_gaussian(
        vector_domain(atom_domain(T="i64")),
        l2_distance(T="f64"),
        scale=scale,
        MO="ZeroConcentratedDivergence",
    )


def gaussian_threshold(key: type[str] | str, scale: float, threshold: int) -> "Measurement":
    """Return the release of counts by key that are above `threshold` after Gaussian noise, the keys being private."""
    from opendp.domains import atom_domain, map_domain
    from opendp.measurements import make_gaussian_threshold
    from opendp.metrics import absolute_distance, l02inf_distance
    from opendp.mod import enable_features

    enable_features("contrib")
    return make_gaussian_threshold(
        map_domain(atom_domain(T=key), atom_domain(T="i64")),
        l02inf_distance(absolute_distance(T="f64")),
        scale=scale,
        threshold=threshold,
    )


def threshold_cost(measurement: "Measurement", keys: int, distance: float) -> tuple[float, float]:
    """Return (ρ, δ) for a unit that changes up to `keys` counts by one, `distance` in L2 in all."""
    rho, delta = measurement.map((keys, distance, 1.0))  # type: ignore[no-untyped-call]
    return float(rho), float(delta)


def cost(measurement: "Measurement", distance: float) -> float:
    """Return the ρ that OpenDP charges for inputs `distance` apart, rounded up by it."""
    return float(measurement.map(distance))  # type: ignore[no-untyped-call]


def epsilon(measurement: "Measurement", distance: float, delta: float) -> float:
    """Return the ε at `delta` for inputs `distance` apart, by OpenDP's conversion from zCDP."""
    from opendp.combinators import make_zCDP_to_approxDP

    profile = make_zCDP_to_approxDP(measurement).map(distance)  # type: ignore[no-untyped-call]
    return float(profile.epsilon(delta))


def engine() -> str:
    """Return the name and version of the library that draws the noise."""
    return f"opendp-{version('opendp')}"
