"""What both scripts share: which texts somebody has read, and how the test is told and heard."""

import asyncio
import sys


class Heard:
    """The texts that somebody has read, decrypted."""

    def __init__(self) -> None:
        self._texts: set[str] = set()
        self._news = asyncio.Event()

    def add(self, text: str) -> None:
        self._texts.add(text)
        self._news.set()

    async def has(self, text: str) -> None:
        while text not in self._texts:
            self._news.clear()
            await self._news.wait()


def told(what: str) -> None:
    """Tells the test how far the talk has come."""
    print(what, flush=True)


async def restarted() -> None:
    """Waits until the test says that the server was restarted."""
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
