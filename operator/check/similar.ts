/** Names longer than this are compared by their beginning: the cost of a comparison grows with both lengths. */
const COMPARED_MAX = 64;

/** Letters that two names must share before the one counts as the beginning of the other. */
const BEGINNING_MIN = 5;

/**
 * The candidate that somebody who wrote `text` most likely meant, if any is close: case apart, two slips away, or the
 * beginning of it (`relayClass`, `relayClassName`).
 */
export function mostSimilar(text: string, candidates: readonly string[]): string | undefined {
  const wanted = text.slice(0, COMPARED_MAX).toLowerCase();
  // in a name of three letters two slips leave nothing
  const slips = wanted.length <= 4 ? 1 : 2;
  const close = candidates
    .map((name) => ({ name, distance: distance(wanted, name.slice(0, COMPARED_MAX).toLowerCase()) }))
    .filter((candidate) => candidate.distance <= slips)
    .toSorted((a, b) => a.distance - b.distance)[0]?.name;
  const longer = (name: string): boolean => wanted.length >= BEGINNING_MIN && name.toLowerCase().startsWith(wanted);
  return close ?? candidates.find(longer);
}

/** Slips from one text to the other: a letter too many, one missing, one replaced, two swapped (optimal string alignment). */
function distance(a: string, b: string): number {
  const rows = [Array.from({ length: b.length + 1 }, (_, j) => j)];
  const at = (i: number, j: number): number => rows[i]?.[j] ?? Infinity;
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    rows.push(row);
    for (let j = 1; j <= b.length; j++) {
      const isSame = a[i - 1] === b[j - 1];
      const isSwapped = a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      const replaced = at(i - 1, j - 1) + (isSame ? 0 : 1);
      const swapped = isSwapped ? at(i - 2, j - 2) + 1 : Infinity;
      row.push(Math.min(replaced, swapped, at(i - 1, j) + 1, at(i, j - 1) + 1));
    }
  }
  return at(a.length, b.length);
}
