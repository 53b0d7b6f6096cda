import { isAlias, isMap, isNode, isScalar, isSeq } from 'yaml';
import type { Document, Node } from 'yaml';
import type { Path } from '../api/path.ts';

/** Offset in the text of the field at `path`: its key, or its item of a list; else of the nearest field around it. */
export function offsetOf(document: Document.Parsed | undefined, path: Path): number {
  let node: unknown = document?.contents;
  let offset = startOf(node) ?? 0;
  for (const step of path) {
    if (isAlias(node) && document !== undefined) node = node.resolve(document);
    const next = child(node, step);
    if (next === undefined) return offset;
    offset = startOf(next.anchor) ?? startOf(next.node) ?? offset;
    node = next.node;
  }
  return offset;
}

function child(node: unknown, step: string | number): { anchor: unknown; node: unknown } | undefined {
  if (isSeq(node) && typeof step === 'number') {
    const item = node.items[step];
    return item === undefined ? undefined : { anchor: item, node: item };
  }
  if (!isMap(node)) return undefined;
  const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === String(step));
  return pair === undefined ? undefined : { anchor: pair.key, node: pair.value };
}

function startOf(node: unknown): number | undefined {
  return isNode(node) ? (node as Node).range?.[0] : undefined;
}
