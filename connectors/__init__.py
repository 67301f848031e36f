"""The edges, one module per outside system; they know `schemas` alone, never the database or each other."""

from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from types import MappingProxyType

from schemas.connector import ConnectorSpec
from schemas.oauth import AuthoritySpec

_AUTHORITIES = ("google", "microsoft")


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


@cache
def authorities() -> MappingProxyType[str, AuthoritySpec]:
    """Whoever lets Kith in by OAuth, by the kind of account."""
    modules = [import_module(f"{__name__}._oauth_{kind}") for kind in _AUTHORITIES]
    specs = [one.AUTHORITY for one in modules if isinstance(one.AUTHORITY, AuthoritySpec)]
    return MappingProxyType({spec.kind: spec for spec in specs})
