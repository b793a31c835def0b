"""What a browser makes of a page, as far as the parser of Python knows: its tags, their attributes, and the texts between them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"input", "link", "meta", "wbr"}


@dataclass
class Element:
    """A tag with what is in it."""

    tag: str
    attributes: dict[str, str]
    parts: list[Element | str] = field(default_factory=list)

    def walk(self) -> Iterator[Element]:
        """This element and all in it, in the order of the page."""
        yield self
        for part in self.parts:
            if isinstance(part, Element):
                yield from part.walk()

    def find(self, tag: str, **attributes: str) -> list[Element]:
        """The elements with a tag and attributes; `class_` is one of the classes."""
        wanted = attributes.pop("class_", None)
        return [
            one
            for one in self.walk()
            if one.tag == tag
            and (wanted is None or wanted in one.attributes.get("class", "").split())
            and attributes.items() <= one.attributes.items()
        ]

    @property
    def text(self) -> str:
        """All text in it."""
        return "".join(part if isinstance(part, str) else part.text for part in self.parts)

    @property
    def shape(self) -> str:
        """Tags and names of attributes, without any text: what a hostile text must not change."""
        inner = "".join(part.shape for part in self.parts if isinstance(part, Element))
        return f"<{self.tag} {' '.join(self.attributes)}>{inner}</{self.tag}>"


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open = [Element("", {})]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len({name for name, _ in attrs}) == len(attrs), f"{tag} has an attribute twice: {attrs}"
        element = Element(tag, {name: value or "" for name, value in attrs})
        self.open[-1].parts.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open[-1].tag == tag, f"</{tag}> closes <{self.open[-1].tag}>"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        self.open[-1].parts.append(data)


def read_page(html: str) -> Element:
    """Read a page; it fails where a tag is not closed, or an attribute is there twice."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    assert len(reader.open) == 1, f"<{reader.open[-1].tag}> is not closed"
    return reader.open[0]


def section(page: Element, heading: str) -> Element:
    """A section of a page."""
    [found] = [one for one in page.find("section") if one.find("h2")[0].text.startswith(heading)]
    return found


def table(page: Element, caption: str) -> list[list[str]]:
    """The rows of a table, as texts."""
    [found] = [one for one in page.find("table") if one.find("caption")[0].text == caption]
    return [
        [" ".join(cell.text.split()) for cell in row.walk() if cell.tag in {"td", "th"}] for row in found.find("tr")
    ]
