"""Runs each Python snippet of a document, as it stands, against the server in WANDB_BASE_URL.

    snippets.py DOCUMENT.md [--torch] [--read-back] [--allow-refused]

Prints one line for each snippet, and the tracebacks of those that fail. `prelude.py` has what the
snippets take for granted. The client is W&B's own, but for two wrappers: `wandb.init` notes the
runs that it starts, and `wandb.agent` ends after a few trials.
"""

import argparse
import functools
import os
import re
import sys
import tempfile
import traceback
from dataclasses import dataclass
from pathlib import Path

import wandb

from prelude import SNIPPETS

# A snippet asks for 50 trials. Two show that trials follow each other.
TRIALS = 2


@dataclass(frozen=True)
class Block:
    """A block of Python in a document. The code begins at the line after `line`."""

    line: int
    title: str
    code: str


def blocks(text):
    """Returns the blocks of Python. A title is the heading, and the bold text after it."""
    found, heading, label, fence, start = [], "", "", None, 0
    lines = text.splitlines()
    for number, line in enumerate(lines, 1):
        if fence is not None:
            if line.strip() == "```":
                if fence == "python":
                    title = f"{heading}: {label}" if label else heading
                    code = "\n".join(lines[start : number - 1]) + "\n"
                    found.append(Block(start, title, code))
                fence = None
        elif line.startswith("```"):
            fence, start = line[3:].strip(), number
        elif match := re.match(r"#+ (.*)", line):
            heading, label = match[1].strip(), ""
        elif match := re.match(r"\*\*(.+?):?\*\*", line):
            label = match[1]
    return found


def wrap_client(started):
    """Makes `wandb.init` add its runs to a list, and `wandb.agent` end early."""
    init, agent = wandb.init, wandb.agent

    @functools.wraps(init)
    def noted_init(*args, **kwargs):
        run = init(*args, **kwargs)
        started.append(run)
        return run

    @functools.wraps(agent)
    def short_agent(*args, **kwargs):
        kwargs["count"] = min(kwargs.get("count") or TRIALS, TRIALS)
        return agent(*args, **kwargs)

    wandb.init, wandb.agent = noted_init, short_agent


def read_back(run, keys):
    """Checks what the server has of a run that has ended."""
    stored = wandb.Api().run(f"{run.entity}/{run.project}/{run.id}")
    assert stored.state == "finished", f"the run {run.id} is {stored.state}"
    missing = set(keys) - set(stored.summary.keys())
    assert not missing, f"the summary of {run.id} lacks {sorted(missing)}"


def execute(document, block, snippet):
    """Runs a snippet in a fresh run, or without one if it starts its own."""
    run = None
    if not snippet.own_run:
        name = re.sub(r"[^a-z0-9]+", "-", block.title.lower()).strip("-")
        run = wandb.init(project="seeds", id=name)
    names = snippet.prepare(run)
    names.update({"__name__": "__main__", "wandb": wandb})
    if run is not None:
        names["run"] = run
    # The empty lines give tracebacks the line numbers of the document.
    code = compile("\n" * block.line + block.code, document, "exec")
    exec(code, names)
    if snippet.after is not None:
        snippet.after(names)


def run_block(document, block, started, reading):
    """Runs a snippet to its end and checks its runs."""
    snippet = SNIPPETS[block.title]
    started.clear()
    try:
        execute(document, block, snippet)
    except BaseException:
        if wandb.run is not None:
            wandb.finish(exit_code=1)
        raise
    if wandb.run is not None:
        wandb.finish()
    assert len(started) == snippet.runs, f"{len(started)} runs instead of {snippet.runs}"
    if reading:
        for run in started:
            read_back(run, snippet.keys)


def has_torch():
    """Tells whether torch can be imported. Without CUDA's libraries, some builds cannot."""
    try:
        import torch  # noqa: F401
    except Exception:
        return False
    return True


def verdict(document, block, started, options):
    """Runs a snippet. Returns the line to print, and the traceback of a failure."""
    place = f"{block.line} {block.title}"
    if block.title not in SNIPPETS:
        return f"FAILED {place}", "prelude.py has no entry for this snippet\n"
    snippet = SNIPPETS[block.title]
    if snippet.needs_torch and not options.torch and not has_torch():
        return f"skipped (torch): {block.title}", None
    try:
        run_block(document, block, started, options.read_back)
    except Exception as error:
        said = f"{type(error).__name__}: {error}"
        if options.allow_refused and said in snippet.refused:
            return f"refused by the client {place}: {said}", None
        return f"FAILED {place}", traceback.format_exc()
    return f"ok {place}", None


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("document", type=Path)
    parser.add_argument("--torch", action="store_true", help="fail without torch")
    parser.add_argument("--read-back", action="store_true", help="check what wandb.Api() tells")
    parser.add_argument(
        "--allow-refused",
        action="store_true",
        help="let snippets pass that the client refuses by itself, as prelude.py expects",
    )
    return parser.parse_args()


def main():
    options = parse_options()
    document = options.document.resolve()
    found = blocks(document.read_text(encoding="utf-8"))
    if not found:
        sys.exit(f"{document} has no Python")
    started = []
    wrap_client(started)
    home = Path.cwd()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        os.chdir(folder)
        verdicts = [verdict(str(document), block, started, options) for block in found]
        wandb.teardown()
        os.chdir(home)
    for line, failure in verdicts:
        print(line)
        if failure is not None:
            print(failure, end="")
    sys.exit(any(failure is not None for _, failure in verdicts))


if __name__ == "__main__":
    main()
