"""`yanmen completion`: what a shell needs to complete commands and options, written from the grammar itself."""

import argparse
from collections.abc import Iterator

from yanmen.cli.grammar import Parser, command
from yanmen.cli.output import Result

BASH = """# yanmen completion for bash: source <(yanmen completion bash)
_yanmen() {{
  local words="" place="" word current=${{COMP_WORDS[COMP_CWORD]}}
  for word in "${{COMP_WORDS[@]:1:COMP_CWORD-1}}"; do
    case "$place/$word" in
      {inner}) place="$place/$word" ;;
    esac
  done
  case "$place" in
{cases}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
  [ ${{#COMPREPLY[@]}} -gt 0 ] || COMPREPLY=($(compgen -f -- "$current"))
}}
complete -o filenames -F _yanmen yanmen"""
ZSH = """#compdef yanmen
# yanmen completion for zsh: source <(yanmen completion zsh)
_yanmen() {{
  local place="" word
  local -a found
  for word in "${{(@)words[2,CURRENT-1]}}"; do
    case "$place/$word" in
      {inner}) place="$place/$word" ;;
    esac
  done
  case "$place" in
{cases}
  esac
  _describe -o yanmen found || _files
}}
compdef _yanmen yanmen"""
FISH = """# yanmen completion for fish: yanmen completion fish | source
complete -c yanmen -e
function __yanmen_at
  set -l place ""
  for word in (commandline -opc)[2..-1]
    contains -- "$place/$word" {inner}
    and set place "$place/$word"
  end
  test "$place" = "$argv[1]"
end
{cases}"""


def declare(commands: "argparse._SubParsersAction[Parser]", root: Parser) -> None:
    """Add the command, which completes everything under `root`."""
    example = "yanmen completion bash > ~/.local/share/bash-completion/completions/yanmen"
    parser = command(commands, "completion", "complete commands in a shell 命令补全", written, example)
    parser.add_argument("shell", choices=("bash", "zsh", "fish"), help="the shell to write for")
    parser.set_defaults(root=root)


def written(arguments: argparse.Namespace) -> Result:
    """Write the script of one shell."""
    places = dict(_places(arguments.root))
    match arguments.shell:
        case "bash":
            script = _bash(places)
        case "zsh":
            script = _zsh(places)
        case _:
            script = _fish(places)
    return Result(script, {"shell": arguments.shell, "script": script})


def _places(parser: argparse.ArgumentParser, path: str = "") -> Iterator[tuple[str, dict[str, str]]]:
    """Yield each command's path with the words that may follow it and what each means; the first has the path ""."""
    words: dict[str, str] = {}
    for action in parser._actions:  # noqa: SLF001 - argparse has no other way to read a grammar back
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001
            helps = {choice.dest: choice.help or "" for choice in action._choices_actions}  # noqa: SLF001
            for name, sub in action.choices.items():
                words[name] = helps.get(name, "")
                yield from _places(sub, f"{path}/{name}")
        elif action.option_strings:
            words[action.option_strings[-1]] = action.help or ""
        else:
            words |= {str(choice): "" for choice in action.choices or ()}
    yield path, words


def _bash(places: dict[str, dict[str, str]]) -> str:
    cases = [f'    "{path}") words="{" ".join(words)}" ;;' for path, words in places.items()]
    return BASH.format(inner="|".join(filter(None, places)), cases="\n".join(cases))


def _zsh(places: dict[str, dict[str, str]]) -> str:
    cases = [
        f'    "{path}") found=({" ".join(_quoted(f"{word}:{_line(text)}") for word, text in words.items())}) ;;'
        for path, words in places.items()
    ]
    return ZSH.format(inner="|".join(filter(None, places)), cases="\n".join(cases))


def _fish(places: dict[str, dict[str, str]]) -> str:
    cases = []
    for path, words in places.items():
        for word, text in words.items():
            kind = f"-l {word[2:]}" if word.startswith("--") else f"-f -a {word}"
            cases.append(f"complete -c yanmen -n '__yanmen_at \"{path}\"' {kind} -d {_quoted(_line(text))}")
    return FISH.format(inner=" ".join(filter(None, places)), cases="\n".join(cases))


def _line(text: str) -> str:
    """Return `text` without what means something to a shell's completion."""
    return " ".join(text.split()).replace(":", " ").replace("\\", " ")


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "’") + "'"
