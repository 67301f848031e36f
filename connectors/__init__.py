"""The edges, one module per outside system; they know `schemas` alone, never the database or each other."""

from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from types import MappingProxyType

from schemas.connector import ConnectorSpec


@cache
def connectors() -> MappingProxyType[str, ConnectorSpec]:
    """Every connector by its name: what each module here that has a `SPEC` says of itself.

    Modules are imported on the first call, so that a command which reads nothing loads none.
    """
    found: dict[str, ConnectorSpec] = {}
    for module in iter_modules(__path__):
        if not module.name.startswith("_"):
            spec = getattr(import_module(f"{__name__}.{module.name}"), "SPEC", None)
            if isinstance(spec, ConnectorSpec):
                found[spec.name] = spec
    return MappingProxyType(found)
