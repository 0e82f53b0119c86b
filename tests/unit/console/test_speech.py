"""Languages, figures and times as people write them."""

from enum import Enum

import pytest
from yanmen.console import speech
from yanmen.console.speech import Language
from yanmen.model.catalogue import Channel, DatasetClass, Grade, Role, Sharing
from yanmen.model.contract import ContractStatus
from yanmen.model.inspection import IssueState
from yanmen.model.receipt import Stage
from yanmen.verify.stepwise import TEXTS, Step, Verdict

ENUMS: tuple[type[Enum], ...] = (
    Channel,
    ContractStatus,
    DatasetClass,
    Grade,
    IssueState,
    Role,
    Sharing,
    Stage,
    Verdict,
)


@pytest.mark.parametrize(
    ("asked", "accepted", "language"),
    [
        ("", "", Language.CHINESE),
        ("", "en", Language.ENGLISH),
        ("", "en-GB,en;q=0.9,zh;q=0.8", Language.ENGLISH),
        ("", "zh-TW, en", Language.CHINESE),
        ("", "fr, en;q=0.2, zh;q=0.3", Language.CHINESE),
        ("", "fr, de", Language.CHINESE),
        ("", "en;q=0", Language.CHINESE),
        ("", "zh;q=x, en;q=0.1", Language.ENGLISH),
        ("", "en;q=٣, zh;q=0.1", Language.CHINESE),
        ("", "," * 10_000 + "en", Language.CHINESE),
        ("en", "zh", Language.ENGLISH),
        ("zh-Hans", "en", Language.CHINESE),
        ("xx", "en", Language.ENGLISH),
    ],
)
def test_the_language_is_the_one_asked_for_else_the_best_accepted(
    asked: str, accepted: str, language: Language
) -> None:
    assert speech.chosen(asked, accepted) is language


@pytest.mark.parametrize("member", [member for enum in ENUMS for member in enum], ids=str)
def test_every_standing_has_its_words(member: Enum) -> None:
    en, zh = speech.of_enum(member)
    assert en.isascii()
    assert not zh.isascii()


def test_every_step_of_verification_is_said_in_both_languages() -> None:
    assert TEXTS.keys() == set(Step)
    assert all(en.isascii() and not zh.isascii() for en, zh in TEXTS.values())


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (speech.when(1_780_000_000_000), "2026-05-29 04:26"),
        (speech.when(-1), "-"),
        (speech.when(10**18), "-"),
        (speech.day(20_602), "2026-05-29"),
        (speech.number(1_234_567), "1,234,567"),
        (speech.yuan(123_456), "1,234.56"),
        (speech.yuan(-5), "-0.05"),
        (speech.percent(1, 3), "33.3 %"),
        (speech.percent(1, 100_000), "< 0.1 %"),
        (speech.percent(0, 100), "0 %"),
        (speech.percent(1, 0), "-"),
    ],
)
def test_figures_and_times(written: str, expected: str) -> None:
    assert written == expected
