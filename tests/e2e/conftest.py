"""The sample network, imported once by the command for all tests that only read it."""

from datetime import datetime
from pathlib import Path

import pytest

from deploy.sample.network import SampleReport, write_sample
from tests.cli.runner import NOW, Kith


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> SampleReport:
    return write_sample(tmp_path_factory.mktemp("sample"), datetime.fromisoformat(NOW))


def begun(home: Path, sample: SampleReport) -> Kith:
    """A home of the sample's owner, with nothing in it."""
    kith = Kith(home)
    emails = [word for email in sample.owner_emails for word in ("--email", email)]
    assert kith("init", "--name", sample.owner_name, *emails, "--timezone", sample.timezone).status == 0
    return kith


@pytest.fixture(scope="session")
def imported(sample: SampleReport, tmp_path_factory: pytest.TempPathFactory) -> Kith:
    """The sample's home after one import of all its files, and the owner's words; to be read only."""
    kith = begun(tmp_path_factory.mktemp("imported") / "home", sample)
    assert kith("import", *sample.files).status == 0
    for words in sample.words:
        assert kith(*words).status == 0
    return kith
