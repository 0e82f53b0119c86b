"""A shell completes what the grammar has: each script is run by its own shell."""

import argparse
import shutil
import subprocess
from pathlib import Path

import pytest
from yanmen.cli import completion
from yanmen.cli.completion import _places
from yanmen.cli.main import main, parser

PLACES = dict(_places(parser()))


def script(shell: str, capsys: pytest.CaptureFixture[str]) -> str:
    assert main(["completion", shell]) == 0
    return capsys.readouterr().out


def completed(shell: str, text: str, line: str, folder: Path) -> list[str]:
    """Return what `shell` offers at the end of `line`, its last word begun."""
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    file = folder / f"yanmen.{shell}"
    words = line.split(" ")
    match shell:
        case "bash":
            tail = f"COMP_WORDS=({' '.join(words[:-1])} '{words[-1]}'); COMP_CWORD={len(words) - 1}\n"
            file.write_text(text + "\n" + tail + '_yanmen\nprintf "%s\\n" "${COMPREPLY[@]}"\n')
            command = ["bash", "--noprofile", "--norc", str(file)]
        case "zsh":  # no terminal here: what would be described is printed instead
            shown = "compdef() { :; }\n_describe() { print -rl -- ${found%%:*}; }\n_files() { :; }\n"
            tail = f"words=({' '.join(words[:-1])} '{words[-1]}'); CURRENT={len(words)}\n_yanmen\n"
            file.write_text(shown + text + "\n" + tail)
            command = ["zsh", "-f", str(file)]
        case _:
            file.write_text(text)
            command = ["fish", "--no-config", "-c", f"source {file}; complete -C '{line}'"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)
    assert (done.returncode, done.stderr) == (0, "")
    return [found.split("\t")[0] for found in done.stdout.splitlines() if found.startswith(words[-1])]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("yanmen con", {"consent", "console", "contract", "control"}),
        ("yanmen contract re", {"request", "revoke", "resume"}),
        ("yanmen contract approve health --nec", {"--necessity"}),
        ("yanmen completion ", {"bash", "zsh", "fish"}),
    ],
)
def test_it_offers_what_may_follow(
    shell: str, line: str, offered: set[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = completed(shell, script(shell, capsys), line, tmp_path)
    assert {word for word in found if not word.startswith("--") or "--" in line} == offered


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_every_command_and_option_is_in_the_script(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    text = script(shell, capsys)
    assert len(PLACES) > 40
    for place, words in PLACES.items():
        assert place in text
        for word in words:
            assert word.removeprefix("--") in text


@pytest.mark.parametrize("text", ["it's $(rm -rf /) `x` a:b\nand \\ more", "'", "$HOME"])
def test_no_text_of_the_grammar_means_something_to_a_shell(text: str) -> None:
    """All of it stands between single quotes, in which no shell looks for anything."""
    written = completion._quoted(completion._line(text))
    assert written[0] == written[-1] == "'"
    assert not {"'", "\n", "\\", ":"} & set(written[1:-1])


def test_the_bare_name_teaches(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    said = capsys.readouterr()
    assert said.err == ""
    for line in [line for line in said.out.splitlines() if "yanmen " in line and line.startswith("  ")]:
        words = line[line.index("yanmen ") :].split("  ")[0].split()[1:]
        found: argparse.ArgumentParser = parser()
        for word in (word for word in words if word != "--help"):
            (commands,) = [each for each in found._actions if isinstance(each, argparse._SubParsersAction)]
            found = commands.choices[word]
    assert all(len(line) <= 120 for line in said.out.splitlines())
