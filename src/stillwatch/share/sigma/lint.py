"""What is wrong with a rule that is to be shared: pySigma's validators, and ours.

pySigma's validators of ATT&CK and D3FEND tags are left out: they fetch their tables from the
network, and our rules are tagged with ATLAS.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import re2
from sigma.correlations import SigmaCorrelationRule
from sigma.exceptions import SigmaError
from sigma.rule import SigmaDetection, SigmaRule
from sigma.types import SigmaCIDRExpression, SigmaRegularExpression, SigmaString, SigmaType
from sigma.validation import SigmaValidator
from sigma.validators.core import validators
from sigma.validators.core.tags import NamespaceTagValidator

from stillwatch.errors import InputError
from stillwatch.share.atlas import TAG_NAMESPACE, TAGS
from stillwatch.share.sigma.backend import DuckDBBackend
from stillwatch.share.sigma.fields import Field, Sort, field_of
from stillwatch.share.sigma.match import planned
from stillwatch.share.sigma.reading import Rule, RuleFile, parts_of, service_of

MOST_WORDS: Final = 8
"""Words of one value that is compared with text: a turn of phrase, not a prompt."""
MOST_CHARACTERS: Final = 60
"""Characters of one such value, and of a regular expression twice as many."""
MOST_VALUES: Final = 40
"""Such values in one rule: together they must not tell a prompt either."""
LEFT_OUT: Final = frozenset(
    {
        "attacktag",  # asks the network
        "d3_fendtag",  # likewise
        "namespace_tag",  # ours knows ATLAS
        "tlpv1_tag",  # TLP 2.0 holds
        "filename_length",  # files are named by people
        "fieldname_logsource",  # knows other log sources
        "specific_instead_of_generic_logsource",  # likewise
        "custom_attributes",  # refuses deprecated names of other projects
        "number_as_string",  # a JA4 or a version may look like a number
    }
)
"""pySigma's validators that do not fit, each with its reason."""


@dataclass(frozen=True)
class Issue:
    """Something to mend.

    Attributes:
        file: Name of the file.
        rule: Title of the rule.
        message: One line: what, and the mend.
    """

    file: str
    rule: str
    message: str


def lint(files: Sequence[RuleFile]) -> list[Issue]:
    """Check rules; those that only feed a correlation need no notes and tags.

    pySigma's validators see all files together: ids and titles must differ.
    """
    chosen = [cls for name, cls in sorted(validators.items()) if name not in LEFT_OUT]
    validator = SigmaValidator(chosen)
    found = []
    for file in files:
        main = {id(rule) for rule in file.main}
        for rule in file.rules:
            checks = CHECKS if id(rule) in main else PART_CHECKS
            said = [message for check in checks for message in check(rule)]
            said += _validated(validator, rule)
            found += [Issue(file.name, rule.title, message) for message in said]
    where = {id(rule): file.name for file in files for rule in file.rules}
    for issue in validator.finalize():
        rule = issue.rules[0]
        found.append(Issue(where[id(rule)], rule.title, f"{issue.description}{_details(issue)}"))
    return sorted(set(found), key=lambda issue: (issue.file, issue.rule, issue.message))


def _validated(validator: SigmaValidator, rule: Rule) -> list[str]:
    """What pySigma says of a rule; nothing where it cannot read the condition: `runs` says so."""
    try:
        issues = validator.validate_rule(rule)  # type: ignore[arg-type]  # takes both
    except (SigmaError, RecursionError):
        return []
    return [f"{issue.description}{_details(issue)}" for issue in issues]


def _details(issue: object) -> str:
    told = {
        name: value
        for name, value in vars(issue).items()
        if name not in ("rules", "severity", "description") and isinstance(value, str)
    }
    return "".join(f" ({name}: {value})" for name, value in told.items())


def runs(rule: Rule) -> Iterator[str]:
    """A rule that does not run here is of no use to others."""
    try:
        plan = planned(rule)
        for part in plan.parts:
            DuckDBBackend().condition(part)
    except InputError as error:
        yield str(error)


def described(rule: Rule) -> Iterator[str]:
    """Everything that another analyst needs to judge a match."""
    for name in ("description", "author", "date", "status", "level"):
        if getattr(rule, name) is None:
            yield f"{name} is missing: add it"
    if rule.id is None:
        yield "id is missing: add a UUID, such as that of `uuidgen`"
    if not rule.falsepositives:
        yield "falsepositives is missing: say who else does this, in a sentence each"
    if rule.modified is not None and rule.date is not None and rule.modified < rule.date:
        yield "modified lies before date: mend one of them"


def identified(rule: Rule) -> Iterator[str]:
    """A part of a correlation has an id too."""
    if rule.id is None:
        yield "id is missing: add a UUID, such as that of `uuidgen`"


def tagged(rule: Rule) -> Iterator[str]:
    """At least one technique of ATLAS, and no tag that nobody knows."""
    allowed = NamespaceTagValidator.allowed_namespace | {TAG_NAMESPACE}
    techniques = 0
    for tag in rule.tags:
        if tag.namespace not in allowed:
            yield f"the tag {tag} has a namespace that nobody knows: use one of {sorted(allowed)}"
        if tag.namespace == TAG_NAMESPACE:
            techniques += 1
            if tag.name not in TAGS:
                yield f"{tag} is no technique of {', '.join(TAGS)}: tag one of these"
    if not techniques:
        yield f"no technique of ATLAS: tag one, such as {TAG_NAMESPACE}.aml.t0024.002"


def carries_no_text(rule: Rule) -> Iterator[str]:
    """A rule that is shared holds turns of phrase, never a prompt, and names nobody."""
    quoted = 0
    for field, value in _values(rule):
        if field.sort in (Sort.IDENTIFIER, Sort.ADDRESS, Sort.HASH):
            yield f"{field.name} is compared with a value, which names someone: group by it instead"
        if field.sort is not Sort.TEXT:
            continue
        text, most = _text_of(value)
        quoted += bool(text)
        if (
            len(text) > most
            or len(re2.findall(r"\w+", text)) > MOST_WORDS * most // MOST_CHARACTERS
        ):
            yield (
                f"a value of {field.name} is longer than {MOST_WORDS} words or {most} characters: "
                "a shared rule carries no prompt"
            )
    if quoted > MOST_VALUES:
        yield f"{quoted} values are compared with text: {MOST_VALUES} are the most"


def _text_of(value: SigmaType) -> tuple[str, int]:
    """The words of a value, and how many characters it may have."""
    if isinstance(value, SigmaRegularExpression):
        return str(value.regexp), 2 * MOST_CHARACTERS
    if isinstance(value, SigmaString):
        return "".join(part for part in value.s if isinstance(part, str)), MOST_CHARACTERS
    return "", MOST_CHARACTERS


def _values(rule: Rule) -> Iterator[tuple[Field, SigmaType]]:
    """Strings and expressions that fields are compared with, as far as the fields are known."""
    parts = [] if isinstance(rule, SigmaCorrelationRule) else parts_of(rule)
    for part in parts:
        for detection in part.detection.detections.values():
            yield from _compared(part, detection)


def _compared(rule: SigmaRule, detection: SigmaDetection) -> Iterator[tuple[Field, SigmaType]]:
    for item in detection.detection_items:
        if isinstance(item, SigmaDetection):
            yield from _compared(rule, item)
            continue
        try:
            field = field_of(service_of(rule), item.field or "")
        except InputError:
            continue  # `runs` says so
        for value in item.value:
            for one in getattr(value, "values", [value]):  # base64offset makes several of one
                if isinstance(one, SigmaString | SigmaRegularExpression | SigmaCIDRExpression):
                    yield field, one


Check = Callable[[Rule], Iterator[str]]
CHECKS: Final[tuple[Check, ...]] = (runs, described, tagged, carries_no_text)
"""Of rules that match by themselves."""
PART_CHECKS: Final[tuple[Check, ...]] = (runs, identified, carries_no_text)
"""Of rules that only feed a correlation."""
