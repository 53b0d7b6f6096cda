/** A plan as YAML for people to read: first the Secrets and statuses as they would be in the cluster, then the rest. */
import { Document, isMap, visit } from 'yaml';
import { isRetained } from '../../../operator/core/credentials/ownership.ts';
import { API_VERSION } from '../../../operator/api/common.ts';
import { selectorsOf } from '../../../operator/core/senders/dkim-keys.ts';
import type { KeysWish } from '../../../operator/core/senders/dkim-model.ts';
import { BUILT_IN_LIST } from '../../../operator/core/names.ts';
import type { Plan, SecretPlan, StatusPlan } from '../../../operator/core/model.ts';
import type { RelayDocuments, ShardDocument } from '../../../relay/config/config.ts';
import type { Verifiers } from './passwords.ts';

const LINE_WIDTH = 120;

export function writeGolden(plan: Plan, verifiers: Verifiers): string {
  const { secretsToDelete, events, lookups, mails, records, vouchings, endpoints, nextLook } = plan;
  const withdrawn = [...vouchings].filter(([, { withdrawnTime }]) => withdrawnTime !== undefined);
  const wishes = mails.filter((wish) => Object.keys(wish).length > 2);
  const keys = records.flatMap(({ sender, wish }) => (wish === undefined ? [] : [{ sender, ...shortened(wish) }]));
  const rest = {
    ...(secretsToDelete.length > 0 && { secretsToDelete }),
    events: events.map(({ kind, meta, type, reason, message }) => {
      return `${type} ${kind} ${meta.namespace}/${meta.name} ${reason}: ${message}`;
    }),
    ...(lookups.length > 0 && { lookups }),
    // what every sender has that the settings vouch for is of no interest
    ...(withdrawn.length > 0 && { vouchings: Object.fromEntries(withdrawn) }),
    ...(wishes.length > 0 && { mails: wishes }),
    ...(keys.length > 0 && { keys }),
    ...(endpoints.size > 0 && { endpoints: Object.fromEntries(endpoints) }),
    ...(nextLook !== undefined && { nextLook }),
  };
  const documents = [
    ...plan.secrets.map(secretManifest),
    ...plan.statuses.map(statusManifest),
    ...[...plan.relays].map(([name, relay]) => relayDocument(name, relay)),
    { kind: 'Outcome', ...rest },
  ];
  return verifiers.shorten(documents.map((document) => print(document)).join('---\n'));
}

/** Keys by their selectors. */
function shortened({ kept, ...wish }: KeysWish): object {
  return { ...wish, kept: selectorsOf(kept) };
}

function secretManifest({ namespace, name, owner, type, labels, annotations, data }: SecretPlan): object {
  const { name: ownerName, uid } = owner;
  const reference = { apiVersion: API_VERSION, kind: 'SmtpPlusUser', name: ownerName, uid, controller: true };
  const metadata = {
    namespace,
    name,
    labels,
    annotations,
    ownerReferences: isRetained({ annotations }) ? undefined : [reference],
  };
  return { apiVersion: 'v1', kind: 'Secret', metadata, type, stringData: data };
}

function statusManifest({ kind, meta: { namespace, name }, status }: StatusPlan): object {
  return { apiVersion: API_VERSION, kind, metadata: { namespace, name }, status };
}

/** The shards put together; how entries are spread over them, and a built-in list without users, are of no interest. */
function relayDocument(name: string, { shards }: RelayDocuments): object {
  const all = <Section extends 'lists' | 'users' | 'unusable' | 'namespaces' | 'dkim'>(
    section: Section,
  ): ShardDocument[Section] =>
    Object.fromEntries(
      shards.flatMap((shard) => Object.entries(shard[section])).sort(([a], [b]) => (a < b ? -1 : 1)),
    ) as ShardDocument[Section];
  const users = all('users');
  const { [BUILT_IN_LIST]: builtIn, ...lists } = all('lists');
  const isBuiltInUsed = builtIn !== undefined && Object.values(users).some(({ list }) => list === BUILT_IN_LIST);
  const usedLists = isBuiltInUsed ? { ...lists, [BUILT_IN_LIST]: builtIn } : lists;
  const [unusable, dkim] = [all('unusable'), all('dkim')];
  return {
    kind: 'RelayConfiguration',
    class: name,
    lists: usedLists,
    users,
    ...(Object.keys(unusable).length > 0 && { unusable }),
    namespaces: all('namespaces'),
    ...(Object.keys(dkim).length > 0 && { dkim }),
  };
}

/** A condition and whatever is short on one line, so that a golden file fits a screen. */
function print(value: object): string {
  const document = new Document(value, { aliasDuplicateObjects: false, version: '1.1' });
  visit(document, {
    Collection: (key, node) => {
      const isLeaf = isCondition(node) || (key !== null && JSON.stringify(node).length < LINE_WIDTH - 20);
      if (isLeaf) node.flow = true;
    },
  });
  return document.toString({ lineWidth: 0, flowCollectionPadding: false });
}

function isCondition(node: unknown): boolean {
  return isMap(node) && node.has('lastTransitionTime');
}
