"""Real prompts from a directory."""
from pathlib import Path
from stillwatch.simulate.bank import Bank
def read_corpus(directory: Path) -> Bank:
    return Bank()
