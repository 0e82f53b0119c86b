"""The Dataspace Protocol 2025-1 over HTTPS: take a message apart, ask the node, put its answer into a message."""

from dataclasses import dataclass

from yanmen.formats import dataspace
from yanmen.formats.dataspace import BASE
from yanmen.formats.json_canonical import Json
from yanmen.model.catalogue import Version
from yanmen.model.governance import Listing
from yanmen.model.refusal import Detail, Reason, Refused
from yanmen.wire.api import NodeApi
from yanmen.wire.https.entrance import Route, Visit, plain

LIST = "/yanmen.wire.v1.CatalogueService/ListDatasets"
SHOW = "/yanmen.wire.v1.CatalogueService/GetDataset"
VERSIONS = "/.well-known/dspace-version"


@dataclass(frozen=True, slots=True)
class Connector:
    """The node as its catalogue names it, and under which URL these interfaces are reached."""

    id: str
    name: str
    url: str


class Dataspace:
    """The protocol's provider side."""

    def __init__(self, api: NodeApi, me: Connector) -> None:
        """Hold the node."""
        self._api = api
        self._me = me

    def routes(self) -> tuple[Route, ...]:
        """Return what is answered where."""
        error = dataspace.catalog_error
        return (
            Route("GET", VERSIONS, LIST, "", self.versions, plain),
            Route("POST", f"{BASE}/catalog/request", LIST, "dsp-catalog-request.schema.json", self.catalog, error),
            Route("GET", f"{BASE}/catalog/datasets/:id", SHOW, "", self.dataset, error),
        )

    def versions(self, _: Visit) -> Json:
        """Say which versions of the protocol are spoken."""
        return dataspace.versions()

    def catalog(self, visit: Visit) -> Json:
        """List what the caller may see."""
        listings = [self._listing(version) for version in self._api.datasets(visit.party)]
        return dataspace.catalog(self._me.id, self._me.name, self._me.url, listings)

    def dataset(self, visit: Visit) -> Json:
        """Show one dataset."""
        prefix = dataspace.dataset_id(self._me.id, "")
        if not visit.place.startswith(prefix):
            raise Refused(Reason.DATASET_UNKNOWN, Detail(visit.place))
        return dataspace.dataset(self._listing(self._api.dataset(visit.party, visit.place.removeprefix(prefix))))

    def _listing(self, found: Version) -> Listing:
        return Listing(self._me.id, found.dataset, found.version, (), found.quality, found.published_ms // 1000)
