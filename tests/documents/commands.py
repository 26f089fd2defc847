"""The commands of the documents, as words.

In a block, or with an option, a command is complete: somebody copies it. Without one (`spiderpool-aws adopt`) it is a
name in a sentence, and only has to be there.
"""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass

from tests.documents.markdown import Code, documents, pieces

PROGRAMS = ("spiderpool-aws", "make", "aws", "kubectl", "cdk", "helm", "python")
OR = "␟or␟"
SHELL = {"sh", "shell", "bash"}
SAMPLES = {
    "i-…": "i-0123456789abcdef0",
    "<i-…>": "i-0123456789abcdef0",
    "<cluster>": "prod",
    "<node>": "ip-10-0-0-4",
    "<worker's>": "arn:aws:iam::123456789012:role/worker",
    "<resync's>": "arn:aws:iam::123456789012:role/resync",
    "<its user>": "spiderpool",
    "<the kubeconfig's user>": "spiderpool",
    "<digest>": "0123456789abcdef",
    "https://<id>.tokens.sts.global.api.aws": "https://0123.tokens.sts.global.api.aws",
    "FILE": "policy.yaml",
}
"""What stands in the place of what a reader fills in; any other `<…>` becomes the word `given`."""


@dataclass(frozen=True)
class Command:
    """A command of a document, without its variables, pipes and comments."""

    where: str
    program: str
    arguments: tuple[str, ...]
    complete: bool
    comment: str = ""

    def __str__(self) -> str:
        return f"{self.where.partition(':')[0]}: {shlex.join((self.program, *self.arguments))}"


def commands(program: str) -> list[Command]:
    """Return every command of one program, each once a document."""
    found = (command for file in documents() for code in pieces(file) for command in commands_of(code))
    return list({str(command): command for command in found if command.program == program}.values())


def commands_of(code: Code) -> Iterator[Command]:
    """Yield the commands of a piece of code that is for a shell."""
    if code.is_block and not _is_for_a_shell(code):
        return
    for line in _filled_in(code.text).replace("\\\n", " ").splitlines():
        for words, comment in _split(line, is_block=code.is_block):
            known = _program(words)
            if known is None:
                if code.is_block and words and words[0] not in {"for", "do", "done"}:
                    # A program that no test knows: `test_commands.py` refuses it.
                    yield Command(code.where, words[0], tuple(words[1:]), complete=True)
                continue
            program, arguments = known
            complete = code.is_block or any(argument.startswith("-") for argument in arguments)
            if not arguments and not complete:
                continue  # the name of a program
            for each in _alternatives(arguments):
                yield Command(code.where, program, each, complete, comment)


def _is_for_a_shell(code: Code) -> bool:
    first = code.text.split(maxsplit=1)[:1]
    return code.language in SHELL or (not code.language and first in ([name] for name in (*PROGRAMS, "for", "npx")))


def _filled_in(text: str) -> str:
    for placeholder, sample in SAMPLES.items():
        text = text.replace(placeholder, sample)
    return re.sub(r"<(?!<)[^<>\n]+>", "given", text)


def _split(line: str, *, is_block: bool) -> Iterator[tuple[list[str], str]]:
    """Yield the words of each command of a line, which pipes and semicolons separate, and the line's comment."""
    text, _, comment = re.sub(r"(^|\s)#\s", "\n", line, count=1).partition("\n")
    text = re.sub(r"\s>\s*\S+", "", text)
    if not is_block:
        # `manifests auth|rbac` in a sentence are two commands, and no pipe.
        text = re.sub(r"(?<=\w)\|(?=\w)", f" {OR} ", text)
    lexer = shlex.shlex(text, posix=True, punctuation_chars=";|&")
    lexer.whitespace_split, lexer.commenters = True, ""
    try:
        tokens = list(lexer)
    except ValueError:
        return  # the apostrophe of a sentence: no command
    words: list[str] = []
    for token in (*tokens, ";"):
        if re.fullmatch(r"[;&|]+", token):
            if words:
                yield words, comment.strip()
            words = []
        else:
            words.append(token)


def _program(words: list[str]) -> tuple[str, list[str]] | None:
    """Return the program and its arguments, without `do`, variables and `npx` before it; None: no program of ours."""
    while words and (words[0] == "do" or re.match(r"[A-Z_0-9]+=", words[0])):
        words = words[1:]
    if words and words[0] == "npx":
        words = words[1:]
    name = words[0].removeprefix(".venv/bin/") if words else ""
    return (name, words[1:]) if name in PROGRAMS else None


def _alternatives(arguments: list[str]) -> Iterator[tuple[str, ...]]:
    """Yield `local aws|cluster` as two commands."""
    if OR not in arguments:
        yield tuple(arguments)
        return
    first = arguments.index(OR) - 1
    for each in arguments[first:]:
        if each != OR:
            yield (*arguments[:first], each)
