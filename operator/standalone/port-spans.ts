/** Ports for people: thousands of them written as a few spans. */
import type { SkippedPort } from '../../relay/submission/listen.ts';

/** As many spans as fit a line. */
const MAX_SPANS = 8;

/** `1025-5000` for thousands of numbers. */
export function formatPorts(ports: readonly number[]): string {
  const spans: [number, number][] = [];
  for (const port of ports.toSorted((a, b) => a - b)) {
    const last = spans.at(-1);
    if (last !== undefined && last[1] === port - 1) last[1] = port;
    else spans.push([port, port]);
  }
  const shown = spans.slice(0, MAX_SPANS).map(([first, last]) => (first === last ? `${first}` : `${first}-${last}`));
  const rest = spans.slice(MAX_SPANS).reduce((sum, [first, last]) => sum + last - first + 1, 0);
  return [...shown, ...(rest > 0 ? [`and ${rest} more`] : [])].join(', ');
}

/** `3000 (in use), 1-1023 (not permitted)` */
export function formatSkipped(skipped: readonly SkippedPort[]): string {
  const reasons = [...new Set(skipped.map(({ reason }) => reason))];
  return reasons
    .map((reason) => {
      const ports = skipped.filter((one) => one.reason === reason).map(({ port }) => port);
      return `${formatPorts(ports)} (${reason})`;
    })
    .join(', ');
}
