/**
 * What waits for one upstream: round robin between namespaces, and within a namespace between its users, so that a
 * flood holds up only whoever sends it, even where many share a list.
 */
import { createFairQueue, type FairQueue } from './fair-queue.ts';
import type { Sender } from '../spool/entries.ts';

/** Who may have a turn now. */
export interface Admission {
  readonly namespace: (namespace: string) => boolean;
  /** Within a namespace that may; `line`: see lineOf. */
  readonly line: (namespace: string, line: string) => boolean;
}

export interface SenderQueue<Item> {
  push(sender: Sender, item: Item): void;
  /** The next one of those who may have a turn; others keep theirs. */
  shift(admission?: Admission): Item | undefined;
  /** Takes out every item for which this holds, in the order of turns. */
  takeWhere(predicate: (item: Item) => boolean): Item[];
  size(): number;
  /** Those with an item. */
  namespaces(): Iterable<string>;
  lists(): Iterable<string>;
}

const EVERYBODY: Admission = { namespace: () => true, line: () => true };

export function createSenderQueue<Item>(): SenderQueue<Item> {
  // insertion order of the map is the order of turns: a namespace that was served goes to the end
  const namespaces = new Map<string, FairQueue<Item>>();
  return {
    push: (sender, item) => {
      const own = namespaces.get(sender.namespace) ?? createFairQueue<Item>();
      namespaces.set(sender.namespace, own);
      own.push(lineOf(sender), item);
    },
    shift: (admission = EVERYBODY) => {
      for (const [namespace, own] of namespaces) {
        if (!admission.namespace(namespace)) continue;
        const item = own.shift((line) => admission.line(namespace, line));
        if (item === undefined) continue;
        namespaces.delete(namespace);
        if (own.size() > 0) namespaces.set(namespace, own);
        return item;
      }
      return undefined;
    },
    takeWhere: (predicate) => {
      const taken: Item[] = [];
      for (const [namespace, own] of namespaces) {
        for (const item of own.takeWhere(predicate)) taken.push(item);
        if (own.size() === 0) namespaces.delete(namespace);
      }
      return taken;
    },
    size: () => [...namespaces.values()].reduce((sum, own) => sum + own.size(), 0),
    namespaces: () => namespaces.keys(),
    lists: () => new Set([...namespaces.values()].flatMap((own) => [...own.keys()].map(listOf))),
  };
}

/** Who stands in line within a namespace: a user. It has one list at a time; what came by way of another waits beside. */
export function lineOf({ user, list }: Pick<Sender, 'user' | 'list'>): string {
  return `${list} ${user}`;
}

function listOf(line: string): string {
  return line.slice(0, line.indexOf(' '));
}
