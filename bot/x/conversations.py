"""What a post is to us: new or read before, whose, in which conversation, and whether we may answer it."""

from collections import OrderedDict, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bot.errors import CredentialsRevoked, PlatformError
from bot.model import AuthorKind, Event, Posted
from bot.x.client import Client
from bot.x.ledger import Ledger
from bot.x.memory import Memory
from bot.x.posts import Post, comment

KEPT = 5_000  # posts and roots remembered while running


@dataclass(frozen=True, slots=True)
class _Root:
    """The post that a conversation began with."""

    words: str | None
    ours: bool | None  # None = X did not say


class Conversations:
    """Of one account, while it is read."""

    def __init__(
        self, client: Client, memory: Memory, ledger: Ledger, read_price: float, handle: str, staff: frozenset[str]
    ) -> None:
        self._client, self._memory, self._ledger, self._read_price = client, memory, ledger, read_price
        self._handle, self._staff = handle, staff
        self._roots: OrderedDict[str, _Root] = OrderedDict()
        self._newest: OrderedDict[str, int] = OrderedDict()  # the newest edit handed on, by first id
        self.recent: deque[str] = deque(maxlen=100)  # looked up again, for what was deleted

    def begin(self, recent: Iterable[str]) -> None:
        """What was not stored the last time is handed on again; `recent` is what was."""
        self._newest.clear()
        self.recent.extend(each for each in recent if each not in self.recent)

    def is_foreign(self, thread: str) -> bool:
        """Whether a conversation is known to be somebody else's."""
        return thread in self._roots and self._roots[thread].ours is False

    def began(self, post: Post) -> None:
        """One of our own posts, which others answer."""
        self._memory.began(post.id)
        self._keep_root(post.id, _Root(post.words, ours=True))

    async def events(self, posts: Sequence[Post]) -> list[Event]:
        new = [post for post in posts if self._is_new(post)]
        for post in new:  # all first, for a post may answer an edit that comes after it
            self._memory.edited(post)
        await self._find_roots({post.conversation_id for post in new} - {""})
        return [self._event(post) for post in new]

    def _is_new(self, post: Post) -> bool:
        """Once only, and never an older edit after a newer one."""
        if self._newest.get(post.first, 0) >= int(post.id):
            return False
        self._newest[post.first] = int(post.id)
        if len(self._newest) > KEPT:
            self._newest.popitem(last=False)
        return True

    def _event(self, post: Post) -> Event:
        kind, parent = self._kind(post), self._memory.answered(post)
        if kind is not AuthorKind.BOT and post.first not in self.recent:
            self.recent.append(post.first)
        words = self._words_before(post, parent)
        return Posted(comment(post, kind, parent=parent, parent_text=words, summoned=self._summoned(post)))

    def _words_before(self, post: Post, parent: str | None) -> str | None:
        """Those of the post that the conversation began with: our own, or what is answered here. What stands further
        down holds nobody else's, for they would stay there when their author is forgotten."""
        root = self._roots.get(post.conversation_id)
        if root is None or parent is None:
            return None
        return root.words if root.ours or parent == self._memory.first(post.conversation_id) else None

    def _kind(self, post: Post) -> AuthorKind:
        if post.author_id == self._client.user_id:
            return AuthorKind.BOT if self._memory.is_the_bots(post) else AuthorKind.STAFF
        return AuthorKind.STAFF if post.author_id in self._staff else AuthorKind.PUBLIC

    def _summoned(self, post: Post) -> bool:
        """X lets us answer who mentioned or quoted us. Whether the name it puts in front counts, it does not say:
        here it does, and where that is wrong X refuses and a person is asked."""
        return post.mentions(self._client.user_id, self._handle) or (post.quotes or "") in self._memory.own

    async def _find_roots(self, threads: set[str]) -> None:
        """Each conversation's first post is looked up once; without it a comment is judged by itself."""
        missing = [each for each in threads if each not in self._roots][:100]
        if not missing or not self._ledger.may_read():
            return
        try:
            page = await self._client.look_up(missing)
        except CredentialsRevoked:
            raise
        except PlatformError:
            return
        self._ledger.spend(self._read_price * len(page.data), reads=len(page.data))
        found = {post.id: post for post in page.posts()}
        for each in missing:
            post = found.get(each)
            ours = post.author_id == self._client.user_id if post else None
            self._keep_root(each, _Root(post.words if post else None, ours))

    def _keep_root(self, thread: str, root: _Root) -> None:
        self._roots[thread] = root
        if len(self._roots) > KEPT:
            self._roots.popitem(last=False)
