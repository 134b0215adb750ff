"""What we say on X. It is written down before the call, so that what landed without an answer is not said again."""

from bot.model import Verb
from bot.platforms import base
from bot.x.client import Client
from bot.x.errors import Duplicate
from bot.x.ledger import Ledger, Prices
from bot.x.memory import Memory, Said
from bot.x.posts import fingerprint, has_link

IN_PRIVATE = "message"  # what is remembered of a message: not to whom


class Saying:
    """Of one account: replies and messages, counted, remembered, and looked for where X did not answer."""

    def __init__(self, client: Client, memory: Memory, ledger: Ledger, prices: Prices) -> None:
        self._client, self._memory, self._ledger, self._prices = client, memory, ledger, prices

    async def reply(self, order: base.Order) -> None:
        words = _words(order)
        price = self._prices.post_with_link if has_link(words) else self._prices.post
        with self._ledger.post(order.key, price):
            said = self._memory.intend(order.key, order.target.comment_id, words)
            try:
                id_ = await self._client.reply(self._memory.newest(order.target.comment_id), words)
            except Duplicate:
                if not (there := await self._in_public(said)):
                    raise
                id_ = there[0]  # our own, whose answer was lost, or another order's: the words stand there
        self._memory.landed(order.key, id_)

    async def message(self, order: base.Order) -> None:
        words = _words(order)
        with self._ledger.post(order.key, self._prices.message):
            self._memory.intend(order.key, IN_PRIVATE, words)
            id_ = await self._client.message(order.target.author_id, words)
        self._memory.landed(order.key, id_)

    async def landed(self, verb: Verb, order: base.Order) -> base.Observed:
        """Looked for in our own timeline, or in what was written to that person."""
        said = self._memory.said(order.key)
        if said is None:
            return base.Observed.NOT_DONE  # it is written down before the call
        if said.id is not None:
            return base.Observed.DONE
        there = await (self._in_private(order, said) if verb is Verb.MESSAGE else self._in_public(said))
        found = next((id_ for id_ in there if not self._memory.sent(id_)), None)  # another order's is not this one
        if found is None:
            return base.Observed.NOT_DONE
        self._memory.landed(order.key, found)
        return base.Observed.DONE

    async def _in_private(self, order: base.Order, said: Said) -> list[str]:
        """The ids of what we wrote to that person in these words."""
        messages = await self._client.messages_with(order.target.author_id)
        return [id_ for id_, words in messages.items() if fingerprint(words) == said.hash]

    async def _in_public(self, said: Said) -> list[str]:
        """The ids of what we answered there in these words, the newest first."""
        page = await self._client.own(since_id=said.to)
        self._ledger.spend(self._prices.read * len(page.data), reads=len(page.data))
        ours = [post for post in page.posts() if self._memory.answered(post) == said.to]
        return [post.id for post in ours if fingerprint(post.words) == said.hash]


def _words(order: base.Order) -> str:
    if order.text is None:
        raise ValueError("a reply needs words")
    return order.text.words
