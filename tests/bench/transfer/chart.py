"""Throughput over time as SVG: one line a run."""
WIDTH, HEIGHT, LEFT, TOP, BOTTOM = 900, 320, 70, 30, 40
COLOURS = ("#1f6f8b", "#c8553d", "#588157", "#8d5a97", "#b08900")


def write(path, title, curves, total):
    """`curves`: for each run [(seconds, bytes)]. Shown is MB/s over a fifth of a second."""
    rates = [_rates(curve) for curve in curves]
    longest = max((points[-1][0] for points in rates if points), default=1) or 1
    highest = max((rate for points in rates for _, rate in points), default=1) or 1

    def at(seconds, rate):
        return (LEFT + (WIDTH - LEFT - 20) * seconds / longest,
                HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * rate / highest)

    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" '
             f'font-family="sans-serif" font-size="12"><rect width="100%" height="100%" fill="white"/>',
             f'<text x="{LEFT}" y="18">{title}, {total / 1e6:.0f} MB</text>']
    for share in (0, 0.25, 0.5, 0.75, 1):
        x, y = at(longest * share, highest * share)
        parts.append(f'<line x1="{LEFT}" x2="{WIDTH - 20}" y1="{y:.1f}" y2="{y:.1f}" stroke="#ddd"/>'
                     f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{highest * share:.0f}</text>'
                     f'<text x="{x:.1f}" y="{HEIGHT - 18}" text-anchor="middle">{longest * share:.1f} s</text>')
    parts.append(f'<text x="8" y="{TOP - 4}">MB/s</text>')
    for number, points in enumerate(rates):
        line = " ".join(f"{x:.1f},{y:.1f}" for x, y in (at(*point) for point in points))
        parts.append(f'<polyline fill="none" stroke="{COLOURS[number % len(COLOURS)]}" points="{line}"/>')
    path.write_text("\n".join(parts) + "\n</svg>\n")


def _rates(curve, window=0.2):
    points, first = [], 0
    for at, total in curve:
        while first < len(curve) - 1 and at - curve[first][0] > window:
            first += 1
        passed = at - curve[first][0]
        if passed > 0 and (not points or at - points[-1][0] >= 0.05):
            points.append((at, max(0.0, (total - curve[first][1]) / passed / 1e6)))
    return points
