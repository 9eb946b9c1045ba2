"""Benign cohorts: everything that looks coordinated or automated without being theft."""

from collections.abc import Callable
from typing import Final

from stillwatch.simulate.cohorts import applications, organisations, persons, research
from stillwatch.simulate.crowd import Crowd
from stillwatch.simulate.stage import Stage

COHORTS: Final[dict[str, tuple[float, Callable[[Stage, int], Crowd]]]] = {
    "individual": (51.0, persons.individuals),
    "developer": (11.0, applications.developers),
    "popular-app": (8.0, applications.popular_apps),
    "quickstart": (2.5, persons.quickstarts),
    "ping": (1.2, applications.pings),
    "agent": (1.8, applications.agents),
    "evaluator": (0.9, research.evaluators),
    "company": (4.5, organisations.companies),
    "rag-company": (1.4, organisations.rag_companies),
    "classroom": (3.5, organisations.classrooms),
    "hackathon": (1.2, organisations.hackathons),
    "reseller": (1.1, applications.resellers),
    "contractor": (0.5, research.contractors),
    "hobbyist": (0.7, research.hobbyists),
    "batch": (1.6, organisations.batches),
    "viral": (2.0, persons.viral),
    "bot": (1.4, applications.bots),
    "vpn": (1.8, persons.tunnelled),
    "promotion": (2.0, persons.promotions),
    "family": (1.6, persons.families),
    "early-adopter": (1.3, persons.early_adopters),
}
"""Cohorts with their share of accounts (relative) and how they are drawn."""
