"""Sigma files to rules: pySigma parses, every error becomes one line."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import yaml
from sigma.collection import SigmaCollection
from sigma.correlations import SigmaCorrelationRule
from sigma.exceptions import SigmaError
from sigma.rule import SigmaRule

from stillwatch.errors import InputError
from stillwatch.share.sigma.fields import CATEGORY, PRODUCT, Service

Rule = SigmaRule | SigmaCorrelationRule

LONGEST_FILE: Final = 200_000
"""Characters of a file of rules; a rule may come from someone else."""


class _Loader(yaml.SafeLoader):
    """Plain YAML without aliases, which let a few lines stand for millions of values.

    A name that stands twice in one mapping is refused: other readers may take the other of the two.
    """

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("aliases are not allowed")
        return super().compose_node(parent, index)

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        node = super().compose_mapping_node(anchor)
        names = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        if twice := [name for name, times in Counter(names).items() if times > 1]:
            raise yaml.YAMLError(f"{twice[0][:40]!r} stands twice")
        return node


@dataclass(frozen=True)
class RuleFile:
    """The rules of one file, which may be several documents.

    Attributes:
        name: Of the file, for messages.
        rules: In an order in which a correlation comes after what it refers to.
    """

    name: str
    rules: tuple[Rule, ...]

    @property
    def main(self) -> tuple[Rule, ...]:
        """Rules that match by themselves; those that only feed a correlation are left out."""
        fed = {
            id(reference.rule)
            for rule in self.rules
            if isinstance(rule, SigmaCorrelationRule) and not rule.generate
            for reference in rule.referenced_rules or rule.rules or ()
        }
        return tuple(rule for rule in self.rules if id(rule) not in fed)


def read_rules(text: str, name: str) -> RuleFile:
    """Parse a Sigma file.

    Args:
        text: YAML, one or several documents.
        name: Of the file, for messages.

    Raises:
        InputError: It is no Sigma rule; the message says why.
    """
    documents = read_documents(text, name)
    try:
        rules = tuple(SigmaCollection.from_dicts(documents).rules)
    except (SigmaError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        # pySigma lets plain Python errors through where a rule has parts of the wrong type
        raise InputError(f"{name} is no valid Sigma rule: {first_line(error)}") from error
    return RuleFile(name, rules)


def read_documents(text: str, name: str) -> list[dict[str, Any]]:
    """Return the documents of a Sigma file as they stand.

    Args:
        text: YAML, one or several documents.
        name: Of the file, for messages.

    Raises:
        InputError: It is no YAML, has aliases, is too long, or holds another value than objects.
    """
    if len(text) > LONGEST_FILE:
        raise InputError(f"{name} is longer than {LONGEST_FILE:,} characters: split it")
    try:
        documents = list(yaml.load_all(text, _Loader))
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise InputError(f"{name} is not YAML ({first_line(error)}): mend it") from error
    if not documents or not all(isinstance(document, dict) for document in documents):
        raise InputError(f"{name} holds no Sigma rule: give YAML documents with a title")
    return documents


def service_of(rule: SigmaRule) -> Service:
    """Say over what a rule runs.

    Raises:
        InputError: Its log source is not ours.
    """
    source = rule.logsource
    if source.product != PRODUCT or source.category != CATEGORY:
        raise InputError(
            f"{title_of(rule)}: the log source must be product {PRODUCT}, category {CATEGORY}"
        )
    try:
        return Service(source.service or Service.EVENTS)
    except ValueError as error:
        raise InputError(
            f"{title_of(rule)}: there is no service {source.service!r}; "
            f"use one of {', '.join(Service)}"
        ) from error


def parts_of(rule: Rule) -> Sequence[SigmaRule]:
    """Plain rules that a rule consists of: itself, or those that a correlation refers to.

    Raises:
        InputError: A correlation refers to another correlation.
    """
    if isinstance(rule, SigmaRule):
        return (rule,)
    found = []
    for reference in rule.rules or ():
        if not isinstance(reference.rule, SigmaRule):
            raise InputError(
                f"{title_of(rule)}: a correlation of correlations does not run here; refer to "
                "plain rules"
            )
        found.append(reference.rule)
    return found


def title_of(rule: Rule) -> str:
    """Name a rule in a message."""
    return f"rule {rule.title!r}"


def first_line(error: BaseException) -> str:
    """Shorten an error of a library to one line."""
    return " ".join(str(error).split())[:300]
