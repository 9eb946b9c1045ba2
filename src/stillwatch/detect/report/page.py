"""Renders the page: templates, style and what they are given."""

from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined

from stillwatch.detect import wording
from stillwatch.detect.compare import Comparison
from stillwatch.detect.report import charts, views
from stillwatch.detect.results import ScanResult


def render(result: ScanResult, comparison: Comparison | None = None) -> str:
    """The result as one HTML page with no outside references and no script.

    Every value is escaped: account ids and feature labels come from traffic and may hold anything.

    Args:
        result: What a scan found.
        comparison: What changed since an earlier scan, where there is one.
    """
    page = views.page(result, comparison)
    return _environment().get_template("page.html").render(page=page)


@cache
def _environment() -> Environment:
    """Compiled templates stay: a watch writes the page again and again."""
    environment = Environment(
        loader=PackageLoader("stillwatch.detect.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(wording=wording, chart=charts)
    return environment
