/** A golden pair as an adapter meets it: the manifests to start from, and what there must be in the end. */
import { readFileSync, readdirSync } from 'node:fs';
import { parseAllDocuments } from 'yaml';
import type { Installation } from '../../../operator/installation.ts';
import { isKindName } from '../../../operator/api/kinds.ts';
import { MANAGED_BY, MANAGED_BY_LABEL } from '../../../operator/core/names.ts';
import { createVerifiers, goldenIssuer, SALT } from './passwords.ts';
import { readGolden, type GoldenInput } from './read.ts';

const FOLDER = new URL('../../../operator/core/testdata/', import.meta.url);
const INPUT = '.in.yaml';

export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly creationTimestamp?: string;
    readonly deletionTimestamp?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly ownerReferences?: readonly { readonly uid: string; readonly controller?: boolean }[];
  };
  readonly type?: string;
  readonly stringData?: Readonly<Record<string, string>>;
  readonly spec?: unknown;
  readonly status?: unknown;
  readonly [field: string]: unknown;
}

/** Of a Secret, what an operator decides about. */
export interface SecretState {
  readonly type: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly data: Readonly<Record<string, string>>;
}

export interface EndState {
  /** By `NAMESPACE/NAME`. */
  readonly secrets: Readonly<Record<string, SecretState>>;
  /** By `KIND NAMESPACE/NAME`. */
  readonly statuses: Readonly<Record<string, unknown>>;
}

export interface Golden extends GoldenInput {
  readonly manifests: readonly Manifest[];
  readonly expected: EndState;
  /** Makes passwords, salts and UIDs as the golden files have them. */
  readonly installation: Installation;
}

export function goldenNames(): readonly string[] {
  const inputs = readdirSync(FOLDER).filter((name) => name.endsWith(INPUT));
  return inputs.map((name) => name.slice(0, -INPUT.length)).sort();
}

const LOG_KEY = '0'.repeat(64);

export function openGolden(name: string): Golden {
  const verifiers = createVerifiers();
  const read = (file: string) => readFileSync(new URL(file, FOLDER), 'utf8');
  const input = readGolden(read(`${name}${INPUT}`), verifiers);
  const issuer = goldenIssuer(input, verifiers.of);
  const manifests = documentsOf(verifiers.expand(read(`${name}${INPUT}`)), 'Settings');
  // passwords of the output get their verifiers only now
  const outcome = documentsOf(verifiers.expand(read(`${name}.out.yaml`)));
  const uidOf = (_: string, namespace: string, object: string) => goldenUid(`${namespace}/${object}`);
  return {
    ...input,
    manifests,
    expected: endOf(manifests, outcome),
    installation: {
      issuer,
      uidOf,
      saltFor: () => SALT,
      logKeyOf: () => LOG_KEY,
      pageToken: () => 'page-token',
      handoverKeyOf: () => LOG_KEY,
      counterKeyOf: () => LOG_KEY,
      operatorPassword: () => 'operator',
      placeOf: () => 0,
      linkHash: (token) => token,
    },
  };
}

/** Somebody's own Secrets stay; those that the plan deletes go; the rest is as the plan says. */
function endOf(manifests: readonly Manifest[], outcome: readonly Manifest[]): EndState {
  const secrets = [...manifests, ...outcome].filter(({ kind }) => kind === 'Secret');
  const states = new Map(secrets.map((secret) => [keyOf(secret), stateOf(secret)]));
  const deleted = outcome.find(({ kind }) => kind === 'Outcome')?.['secretsToDelete'] ?? [];
  for (const key of deleted as readonly string[]) states.delete(key);
  const objects = outcome.filter(({ kind }) => isKindName(kind));
  return {
    secrets: Object.fromEntries(states),
    statuses: Object.fromEntries(objects.map((object) => [`${object.kind} ${keyOf(object)}`, object.status])),
  };
}

function stateOf({ metadata, type = 'Opaque', stringData = {} }: Manifest): SecretState {
  const annotations = withoutSlowHashes(metadata.annotations);
  return { type, labels: metadata.labels ?? {}, annotations, data: stringData };
}

/** Annotations in which no verifier of a chosen password is to be compared: adapters make real ones. */
export function withoutSlowHashes(
  annotations: Readonly<Record<string, string>> = {},
): Readonly<Record<string, string>> {
  const entries = Object.entries(annotations);
  return Object.fromEntries(
    entries.map(([key, text]) => [key, text.replace(/argon2id(Of\([^)]*\)|\$[^"]*)/g, 'argon2id')]),
  );
}

/** What golden files call the UID of a user. */
export function goldenUid(user: string): string {
  return `uid-of-${user.replace('/', '-')}`;
}

/** Whether a golden input has a Secret as a former run of the operator would have left it, or somebody after it. */
export function isOwnSecret({ kind, metadata }: Manifest): boolean {
  return kind === 'Secret' && metadata.labels?.[MANAGED_BY_LABEL] === MANAGED_BY;
}

export function keyOf({ metadata: { namespace = 'default', name } }: Manifest): string {
  return `${namespace}/${name}`;
}

function documentsOf(text: string, without?: string): Manifest[] {
  const documents = parseAllDocuments(text, { version: '1.1' }).map((document) => document.toJS() as Manifest);
  return documents.filter(({ kind }) => kind !== without);
}
