/**
 * What the console of a single process shows: the statuses that were planned, and what the relay beside them says now.
 */
import type { UpstreamConfig } from '../../relay/config/config.ts';
import type { Relay } from '../../relay/main.ts';
import type { Facts, RelayFact, ShownObject } from '../console/facts.ts';
import { refusalsFor } from '../console/refusals.ts';
import { smartHostsOf } from '../console/smart-hosts.ts';
import { keyOf, type Plan, type PlannedStatus } from '../core/model.ts';
import { compareText } from '../core/time.ts';

export type RelayToShow = Pick<Relay, 'usage' | 'upstreams' | 'queue' | 'state' | 'ports' | 'implicitTlsPorts'>;

interface Sources {
  /** Undefined: the manifests are not read yet. */
  readonly plan: Plan | undefined;
  readonly relay: RelayToShow;
  readonly relayClass: string;
  /** That was asked for; undefined: all. */
  readonly namespace: string | undefined;
}

type Kind = PlannedStatus['kind'];
type StatusOf<K extends Kind> = Extract<PlannedStatus, { kind: K }>['status'];

export function factsOfPlan({ plan, relay, relayClass, namespace }: Sources): Omit<Facts, 'version' | 'showsMail'> {
  const statuses = plan?.statuses ?? [];
  const isAsked = (name: string): boolean => namespace === undefined || name === namespace;
  const ofKind = <K extends Kind>(kind: K): ShownObject<StatusOf<K>>[] =>
    statuses
      .filter((one) => one.kind === kind && isAsked(one.meta.namespace))
      .map(({ meta: { namespace, name }, status }) => ({ namespace, name, status: status as StatusOf<K> }))
      .sort((a, b) => compareText(keyOf(a), keyOf(b)));
  const { refusedLately } = relay.usage();
  const queue = relay.queue();
  return {
    lists: ofKind('SmtpPlusList'),
    users: ofKind('SmtpPlusUser'),
    senders: ofKind('VerifiedSender'),
    isCut: false,
    namespace,
    namespaces: [...new Set(statuses.map(({ meta }) => meta.namespace))].sort(compareText),
    refusals: refusalsFor(refusedLately, isAsked, namespace === undefined),
    queue: {
      oldestTime: queue.oldestTime,
      smartHosts: smartHostsOf({
        queued: queue.lists,
        upstreams: relay.upstreams(),
        nameOf: smartHostNames(plan, relayClass),
        isSeen: isAsked,
      }),
    },
    relays: [relayFact(relay)],
  };
}

function relayFact({ state, ports, implicitTlsPorts }: RelayToShow): RelayFact {
  return { name: 'This process', isReady: true, state: state(), ports, implicitTlsPorts };
}

/** By the configuration that the relay was given. */
function smartHostNames(plan: Plan | undefined, relayClass: string): (list: string) => string {
  const shards = plan?.relays.get(relayClass)?.shards ?? [];
  const upstreams = new Map(
    shards.flatMap(({ lists }) => Object.entries(lists).map(([list, { upstream }]) => [list, upstream] as const)),
  );
  return (list) => nameOf(upstreams.get(list));
}

function nameOf(upstream: UpstreamConfig | undefined): string {
  switch (upstream?.kind) {
    case 'smtp':
      return `${upstream.host}:${upstream.port}`;
    case 'capture':
      return 'None: mail is captured here';
    case 'unresolved':
      return `None that can be used: ${upstream.message}`;
    case undefined:
      return 'Of lists that are gone';
  }
}
