/**
 * A plot as SVG: one panel for each series, one below the other, over an x axis with powers of ten. Written by hand, since it is
 * fifty lines, and a library for plots brings a browser or a megabyte of axes that nobody looks at here.
 */

interface Series {
  readonly name: string;
  readonly points: readonly { readonly x: number; readonly y: number }[];
}

const WIDTH = 640;
const PANEL = 160;
const LEFT = 70;
const RIGHT = 40;
const TOP = 40;
/** In a panel, above and below what is drawn. */
const ABOVE = 28;
const BELOW = 24;

export function plot({ title, x, series }: { title: string; x: string; series: readonly Series[] }): string {
  const height = TOP + series.length * PANEL + 20;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" font-family="sans-serif" font-size="11">`,
    `<rect width="${WIDTH}" height="${height}" fill="white"/>`,
    text({ x: LEFT, y: 22 }, title, 'font-size="14" font-weight="bold"'),
    ...series.map((one, i) => panel(one, TOP + i * PANEL)),
    text({ x: WIDTH / 2, y: height - 6 }, x, 'text-anchor="middle"'),
    '</svg>\n',
  ].join('\n');
}

function panel({ name, points }: Series, top: number): string {
  const exponents = points.map((point) => Math.log10(point.x));
  const [first, last] = [Math.min(...exponents), Math.max(...exponents)];
  const most = Math.max(...points.map((point) => point.y), Number.MIN_VALUE);
  const [ceiling, floor] = [top + ABOVE, top + PANEL - BELOW];
  const across = (value: number): number =>
    LEFT + ((Math.log10(value) - first) / Math.max(last - first, 1e-9)) * (WIDTH - LEFT - RIGHT);
  const up = (value: number): number => floor - (value / most) * (floor - ceiling);
  const at = points.map((point) => ({ ...point, left: across(point.x), top: up(point.y) }));
  return [
    text({ x: LEFT, y: top + 12 }, name, 'font-weight="bold"'),
    `<path d="M${LEFT} ${ceiling}V${floor}H${WIDTH - RIGHT}" fill="none" stroke="#888"/>`,
    text({ x: LEFT - 6, y: floor }, '0', 'text-anchor="end"'),
    text({ x: LEFT - 6, y: ceiling + 4 }, short(most), 'text-anchor="end"'),
    `<polyline points="${at.map((point) => `${point.left.toFixed(1)},${point.top.toFixed(1)}`).join(' ')}" fill="none" stroke="#06c" stroke-width="2"/>`,
    ...at.flatMap((point) => [
      `<circle cx="${point.left.toFixed(1)}" cy="${point.top.toFixed(1)}" r="3" fill="#06c"/>`,
      text({ x: point.left, y: point.top - 7 }, short(point.y), 'text-anchor="middle"'),
      text({ x: point.left, y: floor + 14 }, point.x.toLocaleString('en'), 'text-anchor="middle"'),
    ]),
  ].join('\n');
}

/** Three digits that count. */
function short(value: number): string {
  return Number(value.toPrecision(3)).toLocaleString('en', { maximumFractionDigits: 4 });
}

function text({ x, y }: { x: number; y: number }, content: string, attributes: string): string {
  const escaped = content.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" ${attributes}>${escaped}</text>`;
}
