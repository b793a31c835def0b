"""A proxy before an object store that answers as a bad day does: throttles, fails, breaks off before or after the store did it.

One request a connection. What happens to a request is decided by rules on its method and path; the first that fires counts.
"""

from __future__ import annotations

import asyncio
import random
import re
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal

Mishap = Literal["slow down", "error", "break before", "break after", "stall", "truncate"]

STATUS = {"slow down": "503 Slow Down", "error": "500 Internal Server Error"}
CODE = {"slow down": "SlowDown", "error": "InternalError"}
STALL = 2.0
"""Seconds that a stalled answer takes."""


@dataclass(kw_only=True)
class Rule:
    """A mishap for requests whose method and path fit, with a probability, and if so told once for each path."""

    mishap: Mishap
    method: str = ".*"
    path: str = ""
    share: float = 1.0
    once_a_path: bool = False
    hit: set[str] = field(default_factory=set)

    def fires(self, method: str, path: str, chance: random.Random) -> bool:
        """Whether this request is hit; remembers it."""
        fits = re.fullmatch(self.method, method) and re.search(self.path, path)
        if not fits or (self.once_a_path and path in self.hit) or chance.random() >= self.share:
            return False
        self.hit.add(path)
        return True


@dataclass(kw_only=True)
class Proxy:
    """What the proxy does, and what it did. `rules` may be exchanged at any time."""

    upstream: int
    chance: random.Random
    rules: Sequence[Rule] = ()
    port: int = 0
    requests: int = 0
    hits: dict[str, int] = field(default_factory=dict)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request."""
        try:
            await self._answer(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the client went away, which clients do
        finally:
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        first, *fields = head.decode("latin-1").rstrip("\r\n").split("\r\n")
        method, path, _ = first.split(" ", 2)
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in fields)}
        if headers.get("expect", "").lower() == "100-continue":
            writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            await writer.drain()
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        self.requests += 1
        mishap = next((rule.mishap for rule in self.rules if rule.fires(method, path, self.chance)), None)
        if mishap is not None:
            self.hits[mishap] = self.hits.get(mishap, 0) + 1
        if mishap in STATUS:
            writer.write(_error(mishap))
        elif mishap == "break before":
            writer.transport.abort()
        else:
            await self._forwarded(first, fields, body, mishap, writer)
        if not writer.transport.is_closing():
            await writer.drain()

    async def _forwarded(
        self, first: str, fields: list[str], body: bytes, mishap: Mishap | None, writer: asyncio.StreamWriter
    ) -> None:
        upstream, request = await asyncio.open_connection("127.0.0.1", self.upstream)
        kept = [line for line in fields if line.partition(":")[0].lower() not in ("connection", "expect")]
        request.write("\r\n".join([first, *kept, "Connection: close", "", ""]).encode("latin-1") + body)
        await request.drain()
        answer = await _whole_answer(upstream, has_body=not first.startswith("HEAD "))
        request.close()
        if mishap == "break after":
            writer.transport.abort()  # the store did it, and nobody hears of it
            return
        if mishap == "stall":
            await asyncio.sleep(STALL)
        if mishap == "truncate":
            end = answer.index(b"\r\n\r\n") + 4
            answer = answer[: end + (len(answer) - end) // 2]
        writer.write(answer)


async def _whole_answer(upstream: asyncio.StreamReader, *, has_body: bool) -> bytes:
    """An answer as its head says how long it is: the store closes the connection only some time after it."""
    head = await upstream.readuntil(b"\r\n\r\n")
    length = re.search(rb"\r\ncontent-length: *(\d+)\r\n", head, re.IGNORECASE)
    if not has_body:
        return head
    return head + (await upstream.readexactly(int(length[1])) if length else await upstream.read())


def _error(mishap: str) -> bytes:
    body = f"<?xml version='1.0'?><Error><Code>{CODE[mishap]}</Code><Message>injected</Message></Error>"
    head = f"HTTP/1.1 {STATUS[mishap]}\r\nContent-Type: application/xml\r\nConnection: close\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode()


@contextmanager
def running_proxy(upstream: int, *, seed: object) -> Iterator[Proxy]:
    """A proxy before a server on this machine, on a port of its own, without rules."""
    proxy = Proxy(upstream=upstream, chance=random.Random(str(seed)))  # noqa: S311 - which requests are hit
    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(asyncio.start_server(proxy.serve, "127.0.0.1", 0))
    proxy.port = server.sockets[0].getsockname()[1]
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        server.close()
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()
