"""Real prompts read in place from a directory: human questions, work items, known templates.

The directory has the layout that docs/guide/simulate.md names. Rows of instruction sets are not
requests as they were sent: requests are rebuilt here from the templates that came with them. A
prompt does not decide who is an attacker: GSM8K, for one, serves evaluators and harvesters alike.
"""

import csv
import gzip
import re
import sys
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
import pyarrow as pa

from stillwatch.errors import InputError
from stillwatch.simulate.bank import Bank

_LONGEST: Final = 2_500
"""Characters of a quoted human prompt; longer ones are cut at a sentence."""
_SENTENCE: Final = re.compile(r"(?<=[.!?。])\s+|\n+")
_SEEDS: Final = 24
"""Rebuilt generation requests per published template."""


def read_corpus(directory: Path) -> Bank:
    """Read every prompt file of a directory.

    Raises:
        InputError: A file is missing or cannot be read.
    """
    return Bank(
        quotes={0: pa.array(_quotes(directory))},
        items={name: pa.array(read(directory)) for name, read in _ITEMS.items()},
        frames={
            "harness": _harness(directory),
            "reason": _reason(directory),
            "judge": _judges(directory),
            "grade": _judges(directory),
            "synthesise": _generation(directory),
        },
        answers=_trace(directory),
    )


def _text(directory: Path, name: str) -> str:
    path = directory / name
    try:
        return gzip.decompress(path.read_bytes()).decode("utf-8")
    except FileNotFoundError:
        raise InputError(
            f"The prompt file {path} is missing; give the directory that holds it, "
            "or leave out --prompts."
        ) from None
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise InputError(f"The prompt file {path} cannot be read; fetch it again.") from error


def _read(directory: Path, name: str, shape: Callable[[Any], list[str]]) -> list[str]:
    """The strings that `shape` takes from one JSON, JSON-lines or CSV file, empty ones left out."""
    text = _text(directory, name)
    try:
        if name.endswith(".csv.gz"):
            csv.field_size_limit(sys.maxsize)
            rows: Any = list(csv.DictReader(StringIO(text)))
        elif name.endswith(".jsonl.gz"):
            rows = [msgspec.json.decode(line) for line in text.splitlines() if line]
        else:
            rows = msgspec.json.decode(text)
        found = [line.strip() for line in shape(rows)]
    except (msgspec.DecodeError, KeyError, IndexError, TypeError, ValueError, csv.Error) as error:
        raise InputError(
            f"The prompt file {directory / name} has another shape than expected; fetch it again."
        ) from error
    return [line for line in found if line]


def _quotes(directory: Path) -> list[str]:
    """Human prompts and shortened variants of the longer ones, in Latin script."""
    whole = [
        *_read(directory, "benign/human_selfinstruct_user_oriented.jsonl.gz", _tasks),
        *_read(
            directory, "benign/legit_arena_hard_v01.jsonl.gz", lambda r: [x["prompt"] for x in r]
        ),
        *_read(
            directory, "benign/legit_awesome_prompts.csv.gz", lambda r: [x["prompt"] for x in r]
        ),
    ]
    found: list[str] = []
    for prompt in whole:
        if sum(character > "\u024f" for character in prompt) > len(prompt) // 5:
            continue
        parts = [part for part in _SENTENCE.split(prompt) if part]
        found.append(prompt if len(prompt) <= _LONGEST else _cut(parts))
        # People retell and shorten: without the first, without the last, the middle alone.
        if len(parts) > 2:
            found += [
                _cut(parts[1:]),
                _cut(parts[:-1]),
                _cut(parts[len(parts) // 3 : 2 * len(parts) // 3 + 1]),
            ]
    return found


def _cut(parts: list[str]) -> str:
    text = ""
    for part in parts:
        if len(text) + len(part) > _LONGEST and text:
            break
        text += f" {part}"
    return text[: 2 * _LONGEST].strip()


def _tasks(rows: Any) -> list[str]:
    """Instructions with their first input below."""
    return [f"{x['instruction']}\n\n{x['instances'][0]['input']}".strip() for x in rows]


def _instructions(rows: Any) -> list[str]:
    return [f"{x['instruction']}\n{x['input']}".strip() for x in rows]


def _questions(rows: Any) -> list[str]:
    return [x["question"] for x in rows]


def _calls(rows: Any) -> list[str]:
    return [x["question"][0][0]["content"] for x in rows]


def _gorilla(text: str) -> list[str]:
    """Requests out of the string `code`: a repr of a dict, or text up to the output."""
    found = []
    for line in text.splitlines():
        code = msgspec.json.decode(line)["code"]
        if code.startswith("###Instruction:"):
            found.append(code.removeprefix("###Instruction:").split("###Output")[0].strip())
        elif match := re.search(r"Instruction'?: ?(.+?),? '?Output", code, re.DOTALL):
            found.append(match[1].strip("'\" "))
    return found


def _question_items(directory: Path) -> list[str]:
    return [
        *_read(directory, "benign/eval_gsm8k_train.jsonl.gz", _questions),
        *_read(directory, "extraction/cot_reasoning_teacher_svamp.json.gz", _questions),
        *_read(directory, "extraction/cot_reasoning_teacher_commonsense_qa.json.gz", _questions),
    ]


def _tool_items(directory: Path) -> list[str]:
    return [
        *_gorilla(_text(directory, "extraction/atk_gorilla_tensorflow_eval.json.gz")),
        *_gorilla(_text(directory, "extraction/atk_gorilla_torchhub_train.json.gz")),
        *_read(directory, "extraction/atk_gpteacher_toolformer.json.gz", _instructions),
        *_read(directory, "benign/eval_bfcl_live_sample.jsonl.gz", _calls),
    ]


def _code_items(directory: Path) -> list[str]:
    return _read(directory, "extraction/atk_gpteacher_codegen.json.gz", _instructions)


def _instruction_items(directory: Path) -> list[str]:
    bare = _read(
        directory,
        "extraction/atk_gpteacher_toolformer.json.gz",
        lambda r: [f"{x['instruction'].splitlines()[-1]}: {x['input']}" for x in r],
    )
    return [
        *_read(directory, "extraction/atk_selfinstruct_seed_tasks.jsonl.gz", _tasks),
        *bare,
        *_code_items(directory),
        *_read(directory, "benign/eval_openai_evals_sample.jsonl.gz", _last_message),
    ]


def _last_message(rows: Any) -> list[str]:
    return [x["input"][-1]["content"] for x in rows if isinstance(x["input"][-1]["content"], str)]


_ITEMS: Final[dict[str, Callable[[Path], list[str]]]] = {
    "question": _question_items,
    "code_task": _code_items,
    "tool_task": _tool_items,
    "instruction": _instruction_items,
}


def _few_shots(directory: Path) -> list[str]:
    return _read(
        directory,
        "extraction/cot_reasoning_teacher_fewshot_prompts.json.gz",
        lambda r: [x["prompt"] for x in r.values()],
    )


def _harness(directory: Path) -> list[str]:
    return [f"{text}\n\nQ: {{item}}\nA:" for text in _few_shots(directory)]


def _reason(directory: Path) -> list[str]:
    """Few-shot and zero-shot elicitation as in the reasoning-teacher experiments (2212.10071)."""
    return [
        *_harness(directory),
        "Q: {item}\nA: Let's think step by step.",
        "{item}. Let's think step by step.",
    ]


def _judges(directory: Path) -> list[str]:
    """Published judge templates with the question and the answer left open."""

    def single(rows: Any) -> list[str]:
        texts = [x["prompt_template"] for x in rows if x["name"] in {"single-v1", "single-math-v1"}]
        return [
            t.replace("{question}", "{item}")
            .replace("{answer}", "{passage}")
            .replace("{ref_answer_1}", "{passage}")
            for t in texts
        ]

    def rubric(rows: Any) -> list[str]:
        found = []
        for row in rows:
            head, _, rest = row["instruction"].partition("###The instruction to evaluate:")
            _, _, tail = rest.partition("###Reference Answer (Score 5):")
            found.append(
                f"{head}###The instruction to evaluate:\n{{item}}\n\n"
                "###Response to evaluate:\n{passage}\n\n"
                f"###Reference Answer (Score 5):{tail}"
            )
        return found[::8]

    return [
        *_read(directory, "extraction/grade_fastchat_judge_prompts.jsonl.gz", single),
        *_read(directory, "extraction/grade_prometheus_vicuna_eval.json.gz", rubric),
    ]


def _generation(directory: Path) -> list[str]:
    """Generation requests as they were sent: three seed tasks a call, twenty tasks asked."""
    seeds = _read(directory, "extraction/atk_selfinstruct_seed_tasks.jsonl.gz", _tasks)
    alpaca = _text(directory, "extraction/atk_alpaca_prompt.txt.gz").strip()
    found = []
    for place in range(_SEEDS):
        first, second = seeds[(7 * place) % len(seeds)], seeds[(7 * place + 3) % len(seeds)]
        found.append(
            f"{alpaca}\n###\n1. Instruction: {first}\n###\n2. Instruction: {second}\n###\n"
            "3. Instruction: {item}\n###\n4. Instruction:"
        )
    templates = _read(
        directory,
        "extraction/atk_selfinstruct_prompt_templates.json.gz",
        lambda r: list(r.values()),
    )
    return [*found, *(f"{text} {{item}}" for text in templates)]


def _trace(directory: Path) -> np.ndarray:
    """Generated tokens of a real conversation service, as medians of accounts."""
    rows = _read(
        directory, "traces/trace_azure2023_conv.csv.gz", lambda r: [x["GeneratedTokens"] for x in r]
    )
    tokens = np.array([float(row) for row in rows])
    clipped: np.ndarray = np.clip(tokens[tokens > 0], 4, 1500)
    return clipped
