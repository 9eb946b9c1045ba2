"""Every example in the documentation runs: `python` blocks, and `stillwatch` in `console` blocks.

The blocks of one page run in order, in one namespace and one folder; see `workspace` for what lies
there. Output that a console block shows must be what the command prints; `...` is any text.
"""

import doctest
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from stillwatch.cli.main import main

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    page
    for pattern in ("*.md", "docs/**/*.md", "benchmarks/**/*.md")
    for page in ROOT.glob(pattern)
    if re.search(r"^```(python|console)$", page.read_text(), re.MULTILINE)
)
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))
BLOCK = re.compile(r"^```(python|console)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)")
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
@pytest.mark.usefixtures("workspace")
def test_the_examples_of_a_page_run(page, capfd):
    text = page.read_text()
    namespace = {"__name__": "__main__"}
    for block in BLOCK.finditer(text):
        line = text[: block.start()].count("\n") + 2
        if block[1] == "python":
            code = compile("\n" * (line - 1) + block[2], page, "exec")
            exec(code, namespace)  # noqa: S102 - the documentation is ours
        else:
            run_console(block[2], f"{page.name}, line {line}", capfd)


def run_console(block, where, capfd):
    for entry in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        command, _, expected = entry.replace("\\\n", " ").partition("\n")
        words = shlex.split(command, comments=True)
        if words[:1] != ["stillwatch"]:
            continue
        capfd.readouterr()
        code = main(words[1:])
        shown = capfd.readouterr()
        assert code == 0, f"{where}: {command}: {shown.err}"
        if expected.strip():
            printed = shown.out + shown.err
            same = doctest.OutputChecker().check_output(expected, printed, FLAGS)
            assert same, f"{where}: {command} printed\n{printed}"


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_an_example_runs(example, workspace):
    done = subprocess.run(
        [sys.executable, "-W", "error", example],
        cwd=workspace,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout


def test_there_are_examples():
    assert EXAMPLES
    assert ROOT / "README.md" in PAGES


@pytest.mark.parametrize(
    "page",
    sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("benchmarks/**/*.md")]),
    ids=lambda page: str(page.relative_to(ROOT)),
)
def test_links_lead_somewhere(page):
    broken = [link for link in LINK.findall(page.read_text()) if not (page.parent / link).exists()]
    assert broken == []
