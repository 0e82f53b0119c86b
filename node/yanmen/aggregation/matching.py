"""An aggregator in a join across nodes: which rows met, where their places are, what they add up to.

    hand      a department's rows (its share of them) or tags, another aggregator's places: piece by piece, verified
    match     the tags of all departments: this aggregator's signed word on which rows met, and its shares of their
              places in the grid, sealed for each of the others; the first word stays
    gather    the words of all three, which must say the same: places become known, of rows that met and no others,
              and this aggregator's share of the table is laid beside the noise, to be certified and opened

It sees neither identifiers nor figures: points that every department has blinded, shares of values, and how many
rows met in each group, which the departments' dummies hide but for noise.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from yanmen.aggregation.relayed import for_join, piece, spoilt
from yanmen.crypto import documents, joined, packets, row_shares
from yanmen.crypto.blame import blamed
from yanmen.crypto.blinding import TAG_BYTES
from yanmen.crypto.envelopes import Opener
from yanmen.crypto.federated import Evidence
from yanmen.crypto.joined import Share
from yanmen.crypto.signatures import BadSignature
from yanmen.formats import row_share
from yanmen.formats import share as share_format
from yanmen.formats.blinded import Matched
from yanmen.formats.malformed import Malformed
from yanmen.formats.merkle import BadProof
from yanmen.formats.share import WholeShare
from yanmen.ledger.join_book import PIECE, JoinBook, LinkState
from yanmen.ledger.sum_book import Deposit, SumBook
from yanmen.model.federation import SignedManifest
from yanmen.model.joining import CANARIES, ITEMS_MAX, Handed, Piece
from yanmen.model.party import Party, Register
from yanmen.model.ports import Clock, Randomness, Signer

Positions = npt.NDArray[np.int64]
Tags = npt.NDArray[np.uint64]
PART_BYTES_MAX = ITEMS_MAX * 80
"""Of rows with nine values each; a part that is longer is refused before it is kept."""
_NOTHING = b""
_NO_BLINDING = bytes(32)


@dataclass(frozen=True, slots=True)
class Matching:
    """The aggregator `me` with its keys and its two books."""

    me: str
    signer: Signer
    opener: Opener
    book: JoinBook
    sums: SumBook
    register: Callable[[], Register]
    clock: Clock
    randomness: Randomness

    def hand(self, peer: Party, token: bytes, handed: Handed) -> int:
        """Keep the next piece of a part and return how much of it there is; a whole one is opened and verified."""
        signed = self._signed(peer, token)
        try:
            with blamed(joined.giver(handed, signed)), self.book.turn(signed.sha256, signed.manifest.expires_s) as link:
                return self._keep(signed, link, handed)
        except (Malformed, BadSignature, BadProof) as error:
            raise spoilt(error) from error

    def get(self, peer: Party, token: bytes, to: str, at: int) -> Piece:
        """Return a piece of the places that this aggregator sealed for the aggregator `to`."""
        signed = self._signed(peer, token)
        if to == self.me or to not in signed.manifest.aggregators:
            raise spoilt(Malformed(f"{to}: nothing is sealed for it"))  # what others sealed for us is open here
        with self.book.turn(signed.sha256, signed.manifest.expires_s) as link:
            return piece(link, f"places {to}", at)

    def match(self, peer: Party, token: bytes) -> bytes:
        """Return this aggregator's word on which rows met; the same whenever it is asked."""
        signed = self._signed(peer, token)
        try:
            with self.book.turn(signed.sha256, signed.manifest.expires_s) as link:
                done = link.part("matched")
                return done.word if done.whole else self._match(signed, link)
        except (Malformed, BadSignature) as error:
            raise spoilt(error) from error

    def gather(self, peer: Party, token: bytes, words: Sequence[bytes]) -> None:
        """Add up this aggregator's shares of the rows that met, once all aggregators found the same ones."""
        signed = self._signed(peer, token)
        try:
            said = joined.agreed(words, signed, self.register())
            with self.book.turn(signed.sha256, signed.manifest.expires_s) as link:
                if link.part("matched").word != words[signed.manifest.aggregators.index(self.me)]:
                    raise Malformed(f"{self.me}: gave another word")
                summed = self._sum(signed, link, self._places(signed, link, said))
                shares = [self._share(signed, link, invited.node) for invited in signed.manifest.nodes]
            self._lay(signed, peer, token, shares, summed)
        except (Malformed, BadSignature) as error:
            raise spoilt(error) from error

    # Parts --------------------------------------------------------------------------------------

    def _keep(self, signed: SignedManifest, link: LinkState, handed: Handed) -> int:
        name, expected = self._expected(signed, link, handed)
        state = link.part(name)
        if state.whole:
            return handed.size
        waiting = f"handed {name}"
        size = link.part(waiting).size
        if handed.at == 0 and handed.data and size:
            link.drop(waiting)  # begun again
            size = 0
        if handed.at != size or not handed.data:
            return size
        if len(handed.data) > PIECE or not size + len(handed.data) <= handed.size <= PART_BYTES_MAX:
            raise Malformed(f"{joined.giver(handed, signed)}: {handed.name} is longer than it may be")
        link.append(waiting, handed.data)
        if size + len(handed.data) == handed.size:
            sender = joined.giver(handed, signed)
            sealed_as = f"tags {handed.of}" if handed.name == "tags" else handed.name
            place = packets.place(signed.sha256, sealed_as, sender, self.me)
            content = packets.open_packet(b"".join(link.pieces(waiting)), self.opener, place)
            if joined.digest(content) != expected:
                raise Malformed(f"{sender}: {handed.name} is not what was signed")
            link.drop(waiting)
            link.store(name, content, handed.words[0] if handed.name == "places" else _NOTHING)
        return size + len(handed.data)

    def _expected(self, signed: SignedManifest, link: LinkState, handed: Handed) -> tuple[str, str]:
        """Return the name a part is kept under, and the digest of what must be in it."""
        match handed.name:
            case "rows":
                share = joined.check(Evidence(handed.of, handed.sdjwt, handed.proof), signed, self.register())
                self._remember(link, share)
                place = signed.manifest.aggregators.index(self.me)
                return f"rows {share.node}", share.joining.rows[place].hex()
            case "tags":
                share = joined.check(Evidence(handed.of, handed.sdjwt, handed.proof), signed, self.register())
                if len(handed.words) != len(joined.way(share.node, signed)):
                    raise Malformed(f"{share.node}: its list was not blinded by all departments")
                self._remember(link, share)
                return f"tags {share.node}", joined.arrived(share, handed.words, signed, self.register())
            case "places" if handed.of in signed.manifest.aggregators and handed.of != self.me and handed.words:
                word = joined.matched(handed.of, handed.words[0], signed, self.register())
                return f"places of {handed.of}", word.places
            case _:
                raise Malformed(f"{handed.of}: no such part")

    def _remember(self, link: LinkState, share: Share) -> None:
        """Hold a department to the first receipt that was shown of it: what it says stands for all its parts."""
        name, said = f"receipt {share.node}", share.leaf + share.joining.text().encode("ascii")
        if not link.part(name).whole:
            link.store(name, said)
        elif b"".join(link.pieces(name)) != said:
            raise Malformed(f"{share.node} answered twice for one manifest")

    # Rows that met ------------------------------------------------------------------------------

    def _match(self, signed: SignedManifest, link: LinkState) -> bytes:
        nodes = [invited.node for invited in signed.manifest.nodes]
        met = meeting([self._tags(link, node, self._share(signed, link, node).joining.items) for node in nodes])
        positions = np.stack(met).astype("<u4").tobytes()
        places = np.zeros(len(met[0]), dtype=np.uint32)
        for node, at in zip(nodes, met, strict=True):
            places += self._rows(link, node)[0][at]
        own = _padded(places, [self._share(signed, link, node).joining.items for node in nodes])
        link.store("met", positions)
        link.store("own places", own)
        for name, key in zip(signed.manifest.aggregators, signed.keys, strict=True):
            if name != self.me:
                place = packets.place(signed.sha256, "places", self.me, name)
                link.store(f"places {name}", packets.seal(key, own, place, self.randomness))
        now_s = self.clock.now_ms() // 1000
        word = documents.sign_matched(
            Matched(self.me, signed.sha256, joined.digest(positions), joined.digest(own), now_s), self.signer
        )
        link.store("matched", _NOTHING, word)
        return word

    def _places(self, signed: SignedManifest, link: LinkState, said: Sequence[Matched]) -> Positions:
        """Return the place of each row that met: the sum of the shares of all aggregators."""
        own = b"".join(link.pieces("own places"))
        met = link.part("met").size // (4 * len(signed.manifest.nodes))
        total = np.frombuffer(own, dtype="<u4")[:met].astype(np.uint32)
        for word in said:
            if word.by == self.me:
                continue
            name = f"places of {word.by}"
            if not link.part(name).whole:
                raise Malformed(f"{word.by}: its places were not handed in")
            content = b"".join(link.pieces(name))
            if joined.digest(content) != word.places or len(content) != len(own):
                raise Malformed(f"{word.by}: its places are of other rows")
            total = total + np.frombuffer(content, dtype="<u4")[:met].astype(np.uint32)
        groups = signed.manifest.cells // len(signed.manifest.sigma_squared)
        named = ", ".join(invited.node for invited in signed.manifest.nodes)
        if len(total) < CANARIES * groups:
            raise Malformed(f"fewer rows met than there are canaries: a list of {named} is not what it should be")
        if int(total.max()) >= groups:
            raise Malformed(f"a row that met is in no group: rows of {named} are not what they should be")
        return total.astype(np.int64)

    def _sum(self, signed: SignedManifest, link: LinkState, places: Positions) -> bytes:
        """Return this aggregator's share of the table, as one whole additive share."""
        aggregates = len(signed.manifest.sigma_squared)
        cells = np.zeros((signed.manifest.cells // aggregates, aggregates), dtype=np.uint64)
        met = np.frombuffer(b"".join(link.pieces("met")), dtype="<u4").reshape(len(signed.manifest.nodes), -1)
        columns: list[int] = []
        for invited, at in zip(signed.manifest.nodes, met, strict=True):
            own = self._share(signed, link, invited.node).joining.columns
            values = self._rows(link, invited.node)[1]
            if values.shape[1] != len(own) or any(column >= aggregates for column in own):
                raise Malformed(f"{invited.node}: its rows are not those of its receipt")
            for position, column in enumerate(own):
                np.add.at(cells[:, column], places, values[at.astype(np.int64), position])
            columns += own
        if sorted(columns) != list(range(aggregates)):
            named = ", ".join(invited.node for invited in signed.manifest.nodes)
            raise Malformed(f"the aggregates of {named} are not those of the manifest")
        return share_format.encode(WholeShare(_NO_BLINDING, cells.astype("<u8").tobytes()))

    def _lay(self, signed: SignedManifest, peer: Party, token: bytes, shares: Sequence[Share], summed: bytes) -> None:
        """Lay the departments beside the noise; the first of them stands for the rows of all that met."""
        with self.sums.turn(signed.sha256, peer.id, token) as state:
            for at, share in enumerate(shares):
                if state.deposit(share.node) is None:
                    content = summed if at == 0 else share_format.encode(_zero(signed.manifest.cells))
                    digest = bytes.fromhex(joined.digest(content))
                    state.keep(Deposit(joined.dealt(share), digest, content))

    def _tags(self, link: LinkState, node: str, items: int) -> Tags:
        content = self._content(link, f"tags {node}")
        if len(content) != items * TAG_BYTES:
            raise Malformed(f"{node}: not a tag for each of its rows")
        tags = np.frombuffer(content, dtype="<u8").astype(np.uint64).reshape(items, 2)
        if len(np.unique(tags[:, 0])) != items:
            raise Malformed(f"{node}: two rows of its list are alike")
        return tags

    def _rows(self, link: LinkState, node: str) -> tuple[row_shares.Places, row_shares.Values]:
        with blamed(node):
            return row_shares.expand(row_share.decode(self._content(link, f"rows {node}")))

    def _share(self, signed: SignedManifest, link: LinkState, node: str) -> Share:
        """Return what a department is bound to, whose parts must both be here."""
        said = self._content(link, f"receipt {node}")
        with blamed(node):
            share = joined.remembered(node, said, signed)
            rows = row_share.decode(self._content(link, f"rows {node}"))
        if rows.items != share.joining.items:
            raise Malformed(f"{node}: not a share for each of its rows")
        return share

    def _content(self, link: LinkState, name: str) -> bytes:
        if not link.part(name).whole:
            raise Malformed(f"{name}: not handed in, or not whole")
        return b"".join(link.pieces(name))

    def _signed(self, peer: Party, token: bytes) -> SignedManifest:
        signed = for_join(token, peer, self.register(), self.clock)
        if self.me not in signed.manifest.aggregators:
            raise spoilt(Malformed(f"{self.me}: no aggregator of this join"))
        return signed


def meeting(lists: Sequence[Tags]) -> tuple[Positions, ...]:
    """Return where in each list, which has no tag twice, the tags stand that are in all, in the order of the first."""
    first, *rest = lists
    kept = np.arange(len(first), dtype=np.int64)
    found = [kept]
    for tags in rest:
        order = np.argsort(tags[:, 0])
        sorted_ = tags[order, 0]
        at = np.searchsorted(sorted_, first[found[0], 0])
        at[at == len(sorted_)] = 0
        hit = order[at]
        same = (tags[hit] == first[found[0]]).all(axis=1) if len(sorted_) else np.zeros(len(found[0]), dtype=bool)
        found = [positions[same] for positions in found] + [hit[same]]
    return tuple(found)


def _padded(places: row_shares.Places, items: Sequence[int]) -> bytes:
    """Return shares of places as long as the shortest list: who carries them sealed is not told how many rows met."""
    padded = np.zeros(min(items), dtype="<u4")
    padded[: len(places)] = places
    return padded.tobytes()


def _zero(cells: int) -> WholeShare:
    return WholeShare(_NO_BLINDING, bytes(8 * cells))
