/** Brings together what waits and what is known of smart hosts: one line for each of them. */
import type { KnownUpstreams, UpstreamTrouble } from '../../relay/observe/upstream-report.ts';
import type { SmartHostFact } from './facts.ts';

interface Sources {
  /** Messages that wait, by list. */
  readonly queued: Readonly<Record<string, number>>;
  readonly upstreams: KnownUpstreams;
  /** For people: of the smart host that a list leads to. */
  readonly nameOf: (list: string) => string;
  readonly isSeen: (namespace: string) => boolean;
}

/** Those that take no mail come first, then those for which most waits. */
export function smartHostsOf({ queued, upstreams, nameOf, isSeen }: Sources): readonly SmartHostFact[] {
  const hosts = new Map<
    string,
    { name: string; lists: Record<string, number>; trouble: UpstreamTrouble | undefined }
  >();
  const add = (list: string, trouble?: UpstreamTrouble): void => {
    if (!isSeen(list.slice(0, list.indexOf('/')))) return;
    const name = nameOf(list);
    const host = hosts.get(name) ?? { name, lists: {}, trouble: undefined };
    hosts.set(name, host);
    host.lists[list] = queued[list] ?? 0;
    // among several relays, the one that heard of it last
    if (trouble !== undefined && trouble.time > (host.trouble?.time ?? '')) host.trouble = trouble;
  };
  for (const { lists, trouble } of upstreams) for (const list of lists) add(list, trouble);
  for (const list of Object.keys(queued)) add(list);
  return [...hosts.values()].sort((a, b) => rank(b) - rank(a));
}

function rank({ lists, trouble }: SmartHostFact): number {
  const waiting = Object.values(lists).reduce((sum, messages) => sum + messages, 0);
  return waiting + (trouble === undefined ? 0 : Number.MAX_SAFE_INTEGER / 2);
}
