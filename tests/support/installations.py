"""Installations as `signoff doctor` and `signoff recover` see them, over the parts of a test's site."""

from signoff.cli.upkeep.opening import Installation
from signoff.executor.logs.derivation import Deriver
from signoff.executor.logs.loader import Loader
from signoff.executor.logs.plans import Plans
from support.executors import Site


def installation_of(site: Site) -> Installation:
    """What an operator on the host of a site's services works with."""
    loader = Loader(site.store, Plans(site.store, site.blobs, site.types, site.tools.llm))
    deriver = Deriver(site.store, loader, site.blobs, partitions=site.partitions)
    return Installation(
        store=site.store, bus=site.bus, blobs=site.blobs, deriver=deriver, loader=loader, who="ops@host"
    )
