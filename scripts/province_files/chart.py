"""A chart of the counties: a row for each city, a tile for each county, coloured by one figure. Plain SVG."""

from collections.abc import Mapping
from pathlib import Path
from xml.sax.saxutils import escape

from province_files.divisions import Division, counties

TILE, GAP, LEFT, TOP = 66, 4, 96, 64
PALE, DEEP = (247, 244, 236), (158, 42, 32)


def write(
    path: Path, divisions: tuple[Division, ...], figures: Mapping[str, tuple[float, float]], words: tuple[str, str]
) -> int:
    """Draw `figures` (by county code: value and ±) under the title and note in `words`; return how many tiles."""
    title, note = words
    cities = [division for division in divisions if not division.is_county and division.code != "140000"]
    rows = [[county for county in counties(divisions) if county.code[:4] == city.code[:4]] for city in cities]
    low, high = min(value for value, _ in figures.values()), max(value for value, _ in figures.values())
    across = max(map(len, rows))
    size = (LEFT + across * (TILE + GAP) + GAP, TOP + len(rows) * (TILE + GAP) + 28)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{size[0]}" height="{size[1]}" font-family="sans-serif">',
        f'<rect width="{size[0]}" height="{size[1]}" fill="white"/>',
        f'<text x="12" y="26" font-size="18">{escape(title)}</text>',
        f'<text x="12" y="46" font-size="11" fill="#666">{escape(note)}</text>',
    ]
    drawn = 0
    for down, (city, row) in enumerate(zip(cities, rows, strict=True)):
        y = TOP + down * (TILE + GAP)
        lines.append(f'<text x="12" y="{y + TILE // 2 + 5}" font-size="14">{escape(city.name)}</text>')
        for right, county in enumerate(row):
            lines += _tile(LEFT + right * (TILE + GAP), y, county, figures.get(county.code), (low, high))
            drawn += county.code in figures
    lines.append(f'<text x="12" y="{size[1] - 8}" font-size="11" fill="#666">{low:.0f} – {high:.0f}</text></svg>')
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return drawn


def _tile(x: int, y: int, county: Division, figure: tuple[float, float] | None, span: tuple[float, float]) -> list[str]:
    share = 0.0 if figure is None or span[1] <= span[0] else (figure[0] - span[0]) / (span[1] - span[0])
    colour = ",".join(str(round(pale + (deep - pale) * share)) for pale, deep in zip(PALE, DEEP, strict=True))
    ink = "white" if share > 0.55 else "#222"
    told = "–" if figure is None else f"{figure[0]:.0f} ±{figure[1]:.0f}"
    said = f"{county.code} {county.name}: {told}"
    return [
        f'<g><title>{escape(said)}</title><rect x="{x}" y="{y}" width="{TILE}" height="{TILE}" rx="4"'
        f' fill="rgb({colour})" stroke="#ccc"/>',
        f'<text x="{x + TILE // 2}" y="{y + 30}" font-size="13" text-anchor="middle" fill="{ink}">'
        f"{escape(county.name)}</text>",
        f'<text x="{x + TILE // 2}" y="{y + 50}" font-size="11" text-anchor="middle" fill="{ink}">{told}</text></g>',
    ]
