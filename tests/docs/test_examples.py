"""The worked examples of docs/ are run as they stand, so that whoever follows them ends with something that works."""

import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import connectors
import services.followups.rules

DOCS = Path(__file__).parents[2] / "docs"
_PYTHON = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks_of(page: str) -> list[str]:
    return _PYTHON.findall((DOCS / page).read_text(encoding="utf-8"))


def run_example(page: str, place: str) -> dict[str, Any]:
    """Run a page's module as if it stood at `place`, then its test; the names that the test defines."""
    source, test = blocks_of(page)
    module = ModuleType(place)
    module.__file__ = str(DOCS / page)
    package, _, name = place.rpartition(".")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, place, module)
        exec(compile(source, f"{page} (module)", "exec"), module.__dict__)
        patch.setattr(sys.modules[package], name, module, raising=False)
        names: dict[str, Any] = {"__name__": f"{place}_test"}
        exec(compile(test, f"{page} (test)", "exec"), names)
    return names


# The contract's tests are inherited by the class on the page, and collected from here.
TestAcme = run_example("add-a-connector.md", "connectors.acme")["TestAcme"]

_RULE = run_example("add-a-rule.md", "services.followups.rules.favour")


@pytest.mark.parametrize("claim", [name for name in _RULE if name.startswith("test_")])
def test_the_rule_on_the_page_holds_its_own_tests(claim: str) -> None:
    """Each test on the page passes against the rule on the page."""
    _RULE[claim]()


def test_the_rule_on_the_page_has_tests() -> None:
    """A page without its tests would pass the test above by saying nothing."""
    assert sum(name.startswith("test_") for name in _RULE) >= 3


def test_the_examples_are_not_part_of_the_product() -> None:
    """An example leaves nothing behind: neither is found as a connector or rule."""
    assert "acme" not in connectors.connectors()
    assert not hasattr(services.followups.rules, "favour")
