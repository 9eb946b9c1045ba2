"""Which state of the code was measured."""

import shutil
import subprocess
from pathlib import Path


def revision() -> str:
    """Return the short commit hash of the checkout that runs, with `+` where files were changed.

    Empty where the package is no checkout or git is not installed.
    """
    git = shutil.which("git")
    if git is None:
        return ""

    def asked(*words: str) -> str | None:
        command = [git, "-C", str(Path(__file__).parent), *words]
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - fixed words
        return done.stdout.strip() if done.returncode == 0 else None

    commit = asked("rev-parse", "--short", "HEAD")
    # Only tracked files of the package count: results are written into the checkout too.
    changed = asked("status", "--porcelain", "--untracked-files=no", "--", ".")
    return f"{commit}{'+' if changed else ''}" if commit else ""
