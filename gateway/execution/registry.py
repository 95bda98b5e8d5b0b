"""The documents that can be asked for by name: those of shipped apps, from the database, and those that a client told.

What was found in the database is remembered, and looked at again by `note`, together with how often it was used: so a
document that is retired is refused everywhere a few seconds later, and no request writes. What was not found is not
remembered at all: it may be pushed in the next moment. Looking it up is one statement over an index.

What clients tell stays in this process. They tell it again where they are asked to, and a stranger fills no table.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from gateway.execution.memory import Memory
from gateway.storage import documents
from gateway.storage.database import Database
from gateway.storage.documents import Document, Uses

SHIPPED = 4_000_000
TOLD = 1_000_000
"""Characters of all texts together. These are the texts alone: what they come to is remembered elsewhere."""


class Registry:
    """Texts by their names, as `names.canonical` has them."""

    def __init__(self, database: Database, now: Callable[[], datetime]) -> None:
        self._database = database
        self._now = now
        self._shipped: Memory[Document] = Memory(SHIPPED)
        self._told: Memory[Document] = Memory(TOLD)
        self._uses: dict[str, Uses] = {}

    def known(self, name: str) -> Document | None:
        """The shipped document with this name, if this process has met it lately."""
        return self._shipped.get(name)

    async def shipped(self, name: str) -> Document | None:
        """The shipped document with this name."""
        if (known := self._shipped.get(name)) is not None:
            return known
        found = await self._database.read(documents.by_name, name)
        if found is not None:
            self._shipped.put(name, found, len(found.text))
        return found

    def told(self, name: str) -> Document | None:
        """The document that a client has told this process."""
        return self._told.get(name)

    def tell(self, document: Document) -> None:
        """Remember what a client tells."""
        self._told.put(document.id, document, len(document.text))

    def use(self, document: Document) -> None:
        """A shipped document is being used."""
        now, before = self._now(), self._uses.get(document.id)
        use = Uses(document.id, 1, now, now)
        self._uses[document.id] = use if before is None else before.and_later(use)

    async def note(self) -> None:
        """Store how often documents were used, and look again at what is remembered."""
        await self._note_uses()
        names = {name for name, _ in (*self._shipped.items(), *self._told.items())}
        if names:
            self._look_again(await self._database.read(documents.ids_of, names))

    async def _note_uses(self) -> None:
        uses, self._uses = self._uses, {}
        try:
            if uses:
                await self._database.write(documents.add_uses, uses.values())
        except Exception:  # they are noted the next time; a write whose caller is cancelled is carried through
            for id_, use in uses.items():
                self._uses[id_] = use.and_later(self._uses.get(id_))
            raise

    def _look_again(self, ids: Mapping[str, str]) -> None:
        for name, document in self._shipped.items():
            if ids.get(name) != document.id:  # it is retired
                self._shipped.forget(name)
        for name, document in self._told.items():
            if name in ids:  # it has been pushed since, and its uses count
                self._told.forget(name)
                self._shipped.put(name, document, len(document.text))
