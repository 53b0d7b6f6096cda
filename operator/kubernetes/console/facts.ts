/** What somebody may see of a cluster: nothing that `kubectl get` would not show them, and never a Secret. */
import type { ListStatus } from '../../api/list.ts';
import type { KindName } from '../../api/kinds.ts';
import { textAt } from '../../api/plain-data.ts';
import type { SenderStatus } from '../../api/sender.ts';
import type { UserStatus } from '../../api/user.ts';
import type { Facts, ShownObject } from '../../console/facts.ts';
import { refusalsFor } from '../../console/refusals.ts';
import { smartHostsOf } from '../../console/smart-hosts.ts';
import { compareText } from '../../core/time.ts';
import type { Settings } from '../../settings/settings.ts';
import type { KubeClient } from '../client/client.ts';
import { REVIEWED_NAMESPACES_MAX, type Access } from './access.ts';
import type { Identity } from './identity.ts';
import { createReadObjects, type LiveObject, type Objects } from './objects.ts';
import type { RelayAnswers } from './relay-answers.ts';

export interface ClusterFactsOptions {
  readonly client: KubeClient;
  readonly access: Access;
  /** The operator's own. */
  readonly namespace: string;
  readonly settings: () => Settings;
  /** Those that hold an object of ours. */
  readonly namespacesInUse: () => Iterable<string>;
  readonly relays: () => Promise<RelayAnswers>;
}

export type ClusterFacts = (
  who: Identity,
  asked: string | undefined,
) => Promise<Omit<Facts, 'version' | 'showsMail' | 'viewer'>>;

type Reach = 'all' | readonly string[];

export function createClusterFacts(options: ClusterFactsOptions): ClusterFacts {
  const { client, access, settings } = options;
  const readObjects = createReadObjects(client);

  async function read(kind: KindName, reach: Reach, asked: string | undefined): Promise<Objects> {
    const { watchNamespaces } = settings();
    const everywhere = watchNamespaces.length > 0 ? watchNamespaces : [undefined];
    if (asked === undefined) return readObjects(kind, reach === 'all' ? everywhere : reach);
    const isOurs = watchNamespaces.length === 0 || watchNamespaces.includes(asked);
    return readObjects(kind, isOurs && (reach === 'all' || reach.includes(asked)) ? [asked] : []);
  }

  return async (who, asked) => {
    const inUse = [...options.namespacesInUse()].sort(compareText);
    const among = asked === undefined ? inUse : inUse.filter((name) => name === asked);
    const reachOf = (kind: KindName): Promise<Reach> => access.namespacesOf(who, kind, among);
    const [ofUsers, ofLists, ofSenders] = await Promise.all([
      reachOf('SmtpPlusUser'),
      reachOf('SmtpPlusList'),
      reachOf('VerifiedSender'),
    ]);
    const [users, lists, senders, isPlatform, relays] = await Promise.all([
      read('SmtpPlusUser', ofUsers, asked),
      read('SmtpPlusList', ofLists, asked),
      read('VerifiedSender', ofSenders, asked),
      access.seesPods(who, options.namespace),
      options.relays(),
    ]);
    const reaches = [ofUsers, ofLists, ofSenders];
    const areNamespacesCut = among.length > REVIEWED_NAMESPACES_MAX && reaches.some((reach) => reach !== 'all');
    const sees = (reach: Reach) => (name: string) =>
      (asked === undefined || name === asked) && (reach === 'all' || reach.includes(name));
    const isWhole = isPlatform && asked === undefined;
    return {
      users: shownOf<UserStatus>(users),
      lists: shownOf<ListStatus>(lists),
      senders: shownOf<SenderStatus>(senders),
      isCut: users.isCut || lists.isCut || senders.isCut,
      areNamespacesCut,
      namespace: asked,
      namespaces: inUse.filter((name) => reaches.some((r) => r === 'all' || r.includes(name))),
      refusals: refusalsFor(relays.refusals, sees(ofUsers), isWhole),
      queue: {
        oldestTime: isWhole ? relays.queue.oldestTime : undefined,
        smartHosts: smartHostsOf({
          queued: relays.queue.lists,
          upstreams: relays.upstreams,
          nameOf: smartHostNames(lists.objects, settings(), isPlatform),
          isSeen: sees(ofLists),
        }),
      },
      relays: isPlatform ? relays.relays : undefined,
    };
  };
}

function shownOf<Status>({ objects }: Objects): readonly ShownObject<Status>[] {
  return objects.map(({ namespace, name, status }) => ({ namespace, name, status: status as Status }));
}

/** Where a list names none of its own, its mail goes to that of its class, which is the platform's: others are not told its name. */
function smartHostNames(lists: readonly LiveObject[], { classes, relayClass }: Settings, isPlatform: boolean) {
  const known = new Map(lists.map((list) => [`${list.namespace}/${list.name}`, list.spec]));
  return (list: string): string => {
    const spec = known.get(list);
    const own = textAt(spec, 'upstream', 'host');
    if (own !== undefined) return own;
    const className = textAt(spec, 'relayClassName') ?? relayClass;
    const upstream = classes[className]?.upstream;
    const host = upstream === undefined || 'capture' in upstream ? 'mail is captured' : upstream.host;
    return `Of relay class ${className}${isPlatform ? ` (${host})` : ''}`;
  };
}
