"""Indices of quality leave the import job as bands, of personal data only when its holder says so."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest
from yanmen.execution import reply
from yanmen.execution.jail import JailRunner
from yanmen.model.catalogue import Dataset, DatasetClass, Description
from yanmen.model.refusal import JobCode, JobFailed

Declare = Callable[..., Dataset]
HEADER = "id,sex,amount,note\n"
GOOD = [f"{number},F,{number % 90}.5,x" for number in range(1, 201)]


def measured(runner: JailRunner, folder: Path, dataset: Dataset, rows: list[str]) -> str:
    path = folder / "source.csv"
    path.write_text(HEADER + "\n".join(rows) + "\n")
    return runner.publish(str(path), dataset).quality


def asked(declare: Declare) -> Dataset:
    return dataclasses.replace(declare(), rows_per_unit=2, description=Description(measured=True))


def test_personal_data_is_measured_only_when_its_holder_says_so(
    runner: JailRunner, tmp_path: Path, declare: Declare
) -> None:
    assert measured(runner, tmp_path, declare(), GOOD) == ""
    assert measured(runner, tmp_path, asked(declare), GOOD) == "AAA"


@pytest.mark.parametrize("cls", [DatasetClass.EXACT, DatasetClass.OPEN])
def test_other_data_is_measured(runner: JailRunner, tmp_path: Path, declare: Declare, cls: DatasetClass) -> None:
    assert measured(runner, tmp_path, dataclasses.replace(declare(), cls=cls), GOOD) == "AAA"


def change(rows: list[str], count: int, row: Callable[[int], str]) -> list[str]:
    """Return the rows with the first `count` replaced."""
    return [row(number + 1) for number in range(count)] + rows[count:]


@pytest.mark.parametrize(
    ("spoil", "bands"),
    [
        (lambda rows: change(rows, 20, lambda n: f"{n},F,,x"), "BAA"),  # 20 of 600 cells are not given
        (lambda rows: change(rows, 100, lambda n: f"{n},,,x"), "DAA"),  # 200 of 600
        (lambda rows: change(rows, 60, lambda n: f"{n},X,900,x"), "ACA"),  # 120 of 600 outside domain and bounds
        (lambda rows: change(rows, 30, lambda n: "7,F,1,x"), "AAC"),  # 30 rows of one unit, which may have two
        (lambda rows: [], "AAA"),
    ],
)
def test_each_index_has_its_own_letter(
    runner: JailRunner, tmp_path: Path, declare: Declare, spoil: Callable[[list[str]], list[str]], bands: str
) -> None:
    assert measured(runner, tmp_path, asked(declare), spoil(GOOD)) == bands


@pytest.mark.parametrize("said", ["AAE", "AA", "AAAA", "99.3", "aaa", "AAA\n"])
def test_a_forged_reply_says_nothing_but_three_letters(said: str) -> None:
    with pytest.raises(JobFailed) as failed:
        reply.quality(b'{"ok":true,"quality":"' + said.replace("\n", "\\n").encode() + b'"}')
    assert failed.value.code is JobCode.BAD_REPLY
    for other in (b'{"ok":true}', b'{"ok":true,"quality":"AAA","rows":7}', b'{"ok":true,"quality":null}'):
        with pytest.raises(JobFailed):
            reply.quality(other)
    assert reply.quality(b'{"ok":true,"quality":"ABC"}') == "ABC"
