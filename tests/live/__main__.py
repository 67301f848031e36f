"""`python -m tests.live google`: the live tests of a vendor, or what to set where no credentials are there."""

import argparse
import os
import sys
from collections.abc import Sequence

import pytest

from tests.live.vendors import LIVE, Live


def main(arguments: Sequence[str]) -> int:
    """Run them; 0 as well where nothing is set, since nothing is wrong then."""
    parser = argparse.ArgumentParser(prog="python -m tests.live")
    parser.add_argument("vendor", choices=sorted(LIVE))
    given, more = parser.parse_known_args(arguments)
    live = LIVE[given.vendor]
    if live.missing(os.environ):
        sys.stdout.write("\n".join(_told(given.vendor, live)) + "\n")
        return 0
    os.environ["KITH_LIVE"] = given.vendor
    return pytest.main(["tests/live", "-m", "live", "-s", "-p", "no:cacheprovider", *more])


def _told(vendor: str, live: Live) -> list[str]:
    lines = [f"The live tests of {vendor} were not run: they need an account of yours. Set"]
    lines += [f"    {one.name}  {one.says}" for one in live.needed]
    if live.may:
        lines += ["and, where it is needed,", *(f"    {one.name}  {one.says}" for one in live.may)]
    return [*lines, "How to get there, and what is read and written: docs/live-tests.md"]


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
