/** A cluster as far as the core can tell: what people did to it, and what an operator has written into it. */
import type { DkimKeys } from '../../../operator/core/senders/dkim-model.ts';
import {
  keyOf,
  type AcceptedPasswords,
  type SenderEvidence,
  type Kind,
  type Plan,
  type ProgrammedFact,
  type RawObject,
  type RelaysFact,
  type SecretPlan,
  type SecretView,
  type Snapshot,
  type StatusPlan,
} from '../../../operator/core/model.ts';
import { isRetained } from '../../../operator/core/credentials/ownership.ts';
import type { ShardDocument } from '../../../relay/config/config.ts';
import { classSettingsSchema, type NamespaceLimits } from '../../../operator/settings/settings.ts';
import type { UsageFact } from '../../../operator/core/usage.ts';
import type { MailEvidence } from '../../../operator/core/mail-evidence.ts';
import { addressKeyOf } from '../../../operator/core/senders/wished-address.ts';
import { evidenceOf, keysOf, mailEvidenceOf, SPF_INCLUDE, type Step } from './history.ts';
import { createVerifiers } from './passwords.ts';
import { aClassView } from '../class-view.ts';

export const verifiers = createVerifiers();

export interface Cluster {
  now: Date;
  readonly objects: Map<string, RawObject>;
  readonly secrets: Map<string, SecretView>;
  /** Every Secret that an operator has written: what backups hold. */
  readonly backups: SecretView[];
  readonly accepted: Map<string, AcceptedPasswords>;
  readonly namespaces: Map<string, Readonly<Record<string, string>>>;
  readonly evidence: Map<string, SenderEvidence>;
  readonly keys: Map<string, DkimKeys>;
  /** By `NAMESPACE/ADDRESS`. */
  readonly mail: Map<string, MailEvidence>;
  readonly programmed: Map<string, ProgrammedFact>;
  readonly namespaceLimits?: NamespaceLimits;
  readonly relayFacts: Map<string, RelaysFact>;
  /** By kind and key. */
  readonly usage: Map<string, UsageFact>;
}

export function createCluster(namespaceLimits?: NamespaceLimits): Cluster {
  return {
    ...(namespaceLimits && { namespaceLimits }),
    now: new Date('2026-01-01T00:00:00Z'),
    objects: new Map(),
    secrets: new Map(),
    backups: [],
    accepted: new Map(),
    namespaces: new Map(),
    evidence: new Map(),
    keys: new Map(),
    mail: new Map(),
    programmed: new Map(),
    relayFacts: new Map(),
    usage: new Map(),
  };
}

const classes: Snapshot['classes'] = new Map(
  ['default', 'bulk'].map((name) => {
    const existingSenders = [{ shop: 'shop.example' }, { mail: 'orders@mail.example' }];
    const isOpen = name === 'default';
    const selector = { matchExpressions: [{ key: 'team', operator: 'In', values: ['sales'] }] };
    const allowedNamespaces = isOpen ? { from: 'All' } : { from: 'Selector', selector };
    const settings = classSettingsSchema.parse({ hostname: `${name}.example`, existingSenders, allowedNamespaces });
    return [name, aClassView(settings)];
  }),
);

export function snapshotOf({ objects, ...cluster }: Cluster): Snapshot {
  const { secrets, accepted, namespaces, evidence, keys, mail, programmed, relayFacts, usage, namespaceLimits } =
    cluster;
  return {
    classes,
    objects: [...objects.values()],
    secrets,
    accepted,
    namespaces,
    evidence,
    keys,
    mail,
    programmed,
    relayFacts,
    usage,
    ...(namespaceLimits && { namespaceLimits }),
    verification: { graceSeconds: 72 * 3600, spfInclude: SPF_INCLUDE, endpoints: 'DKIM' },
    mailVerification: { className: 'default', from: 'verification@shop.example', hasPage: true },
  };
}

/** Mutable, so that what happens can be noted down one by one. */
export interface Notes {
  readonly objects: Record<Kind, Map<string, RawObject | undefined>>;
  readonly secrets: Map<string, SecretView | undefined>;
  readonly namespaces: Map<string, Readonly<Record<string, string>> | undefined>;
  readonly evidence: Map<string, SenderEvidence | undefined>;
  readonly mail: Map<string, MailEvidence | undefined>;
  readonly programmed: Map<string, ProgrammedFact | undefined>;
  /** What the relays of a class told before, where they have told something since. */
  readonly relayFacts: Map<string, RelaysFact | undefined>;
  readonly usage: Map<string, UsageFact>;
}

export function createNotes(): Notes {
  return {
    objects: { SmtpPlusList: new Map(), SmtpPlusUser: new Map(), VerifiedSender: new Map() },
    secrets: new Map(),
    namespaces: new Map(),
    evidence: new Map(),
    mail: new Map(),
    programmed: new Map(),
    relayFacts: new Map(),
    usage: new Map(),
  };
}

/** Does what people (or time) do, and notes what has changed. */
export function happen(cluster: Cluster, step: Step, notes: Notes): void {
  switch (step.does) {
    case 'put': {
      const id = idOf(step.object);
      const status = cluster.objects.get(id)?.status;
      putObject(cluster, { ...step.object, ...(status !== undefined && { status }) }, notes);
      return;
    }
    case 'edit': {
      const alike = [...cluster.objects.values()].filter(({ kind }) => kind === step.like.kind);
      const object = nth(alike, step.which);
      if (object === undefined) return;
      const meta = { ...object.meta, generation: object.meta.generation + 1 };
      putObject(cluster, { ...object, meta, spec: step.like.spec }, notes);
      return;
    }
    case 'delete': {
      const object = nth(cluster.objects.values(), step.which);
      if (object === undefined) return;
      cluster.objects.delete(idOf(object));
      notes.objects[object.kind].set(keyOf(object.meta), undefined);
      return;
    }
    case 'put Secret':
      return putSecret(cluster, step.secret, notes);
    case 'delete Secret': {
      const secret = nth(cluster.secrets.values(), step.which);
      if (secret !== undefined) deleteSecret(cluster, keyOf(secret), notes);
      return;
    }
    case 'edit Secret':
    case 'orphan Secret': {
      const secret = nth(cluster.secrets.values(), step.which);
      if (secret === undefined) return;
      putSecret(cluster, step.does === 'edit Secret' ? edited(secret) : withoutOwner(secret), notes);
      return;
    }
    case 'restore Secret': {
      const secret = nth(cluster.backups, step.which);
      if (secret !== undefined) putSecret(cluster, step.isOwned ? secret : withoutOwner(secret), notes);
      return;
    }
    case 'label':
      cluster.namespaces.set(step.namespace, step.labels);
      notes.namespaces.set(step.namespace, step.labels);
      return;
    case 'look up': {
      const senders = [...cluster.objects.values()].filter(({ kind }) => kind === 'VerifiedSender');
      const sender = nth(senders, step.which);
      if (sender === undefined) return;
      const key = keyOf(sender.meta);
      const evidence = { ...cluster.evidence.get(key), dns: evidenceOf(sender, step.finding, cluster.now) };
      cluster.evidence.set(keyOf(sender.meta), evidence);
      notes.evidence.set(keyOf(sender.meta), evidence);
      return;
    }
    case 'keep keys': {
      const senders = [...cluster.objects.values()].filter(({ kind }) => kind === 'VerifiedSender');
      const sender = nth(senders, step.which);
      if (sender === undefined) return;
      const key = keyOf(sender.meta);
      const { keys, records } = keysOf(sender, step.generations, cluster.now);
      if (keys === undefined) cluster.keys.delete(key);
      else cluster.keys.set(key, keys);
      const evidence = { ...cluster.evidence.get(key), records };
      cluster.evidence.set(key, evidence);
      notes.evidence.set(key, evidence);
      return;
    }
    case 'mail': {
      const senders = [...cluster.objects.values()].flatMap((object) => addressKeyOf(object) ?? []);
      const key = nth(senders, step.which);
      if (key === undefined) return;
      const mail = mailEvidenceOf(key, step.mishap, cluster.now);
      cluster.mail.set(key, mail);
      notes.mail.set(key, mail);
      return;
    }
    case 'program': {
      const fact = { state: step.state, message: 'A relay.' };
      cluster.programmed.set('default', fact);
      notes.programmed.set('default', fact);
      return;
    }
    case 'tell': {
      const before = cluster.relayFacts.get('default');
      if (!notes.relayFacts.has('default')) notes.relayFacts.set('default', before);
      cluster.relayFacts.set('default', step.fact);
      return;
    }
    case 'use': {
      const object = nth(cluster.objects.values(), step.which);
      if (object === undefined || object.kind === 'VerifiedSender') return;
      cluster.usage.set(idOf(object), step.fact);
      notes.usage.set(idOf(object), step.fact);
      return;
    }
    case 'wait':
      cluster.now = new Date(cluster.now.getTime() + step.hours * 3_600_000);
  }
}

/** Writes as an operator does. */
export function apply(
  cluster: Cluster,
  plan: {
    readonly secrets: readonly SecretPlan[];
    readonly secretsToDelete: readonly string[];
    readonly statuses: readonly StatusPlan[];
    readonly relays: Plan['relays'];
  },
  notes: Notes,
): void {
  for (const { namespace, name, owner, type, labels, annotations, data } of plan.secrets) {
    const view = {
      namespace,
      name,
      type,
      labels,
      annotations,
      data,
      controllerUid: owner.uid,
      ...(isRetained({ annotations }) && { retainedFor: owner.name }),
      verifiers: {},
    };
    putSecret(cluster, view, notes);
    cluster.backups.push(view);
  }
  for (const key of plan.secretsToDelete) deleteSecret(cluster, key, notes);
  for (const { kind, meta, status } of plan.statuses) {
    const object = cluster.objects.get(`${kind} ${keyOf(meta)}`);
    if (object !== undefined) putObject(cluster, { ...object, status }, notes);
  }
  tell(
    cluster,
    [...plan.relays.values()].flatMap(({ shards }) => shards),
  );
}

/** What relays are told of the passwords of users replaces what they were told before. */
function tell(cluster: Cluster, shards: readonly ShardDocument[]): void {
  const told = new Map<string, AcceptedPasswords>();
  for (const { users, unusable } of shards) {
    for (const { object, credentials } of [...Object.values(unusable), ...Object.values(users)]) {
      const { uid } = cluster.objects.get(`SmtpPlusUser ${object}`)?.meta ?? {};
      if (uid !== undefined) told.set(object, { uid, credentials });
    }
  }
  cluster.accepted.clear();
  for (const [user, one] of told) cluster.accepted.set(user, one);
}

function putObject(cluster: Cluster, object: RawObject, notes: Notes): void {
  cluster.objects.set(idOf(object), object);
  notes.objects[object.kind].set(keyOf(object.meta), object);
}

function putSecret(cluster: Cluster, secret: SecretView, notes: Notes): void {
  cluster.secrets.set(keyOf(secret), secret);
  notes.secrets.set(keyOf(secret), secret);
}

function deleteSecret(cluster: Cluster, key: string, notes: Notes): void {
  cluster.secrets.delete(key);
  notes.secrets.set(key, undefined);
}

function edited(secret: SecretView): SecretView {
  return { ...secret, data: { ...secret.data, password: 'edited by hand' } };
}

function withoutOwner(secret: SecretView): SecretView {
  const { controllerUid: _, ...rest } = secret;
  return rest;
}

function idOf({ kind, meta }: RawObject): string {
  return `${kind} ${keyOf(meta)}`;
}

function nth<Value>(values: Iterable<Value>, which: number): Value | undefined {
  const all = [...values];
  return all[which % Math.max(1, all.length)];
}
