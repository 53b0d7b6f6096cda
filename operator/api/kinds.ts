/** The table of the three kinds: whatever is done for each kind (CRDs, checks, watches, reference) goes through it. */
import type { z } from 'zod';
import { listSpec, listStatus } from './list.ts';
import type { Rule } from './rule.ts';
import { listRules, senderRules, userRules } from './rules.ts';
import { secretTemplateRules } from './secret-template.ts';
import { senderSpec, senderStatus } from './sender.ts';
import { userSpec, userStatus } from './user.ts';

export type KindName = 'SmtpPlusList' | 'SmtpPlusUser' | 'VerifiedSender';

export interface PrinterColumn {
  readonly name: string;
  readonly type: 'string' | 'integer' | 'boolean' | 'date';
  readonly jsonPath: string;
  readonly description: string;
  /** 1: shown by `kubectl get -o wide` only. */
  readonly priority?: 1;
}

export interface KindDefinition {
  readonly kind: KindName;
  readonly plural: string;
  readonly singular: string;
  /** Never `items` at the top: a kind whose name ends in List must not look like a list (kustomize). */
  readonly listKind: string;
  readonly shortNames: readonly string[];
  readonly description: string;
  readonly spec: z.ZodObject;
  readonly status: z.ZodObject;
  readonly rules: readonly Rule[];
  readonly columns: readonly PrinterColumn[];
  /** For `kubectl get --field-selector`. */
  readonly selectableFields: readonly string[];
}

export const CATEGORY = 'smtpplus';

function ofCondition(type: string, property: 'status' | 'reason' | 'message'): string {
  return `.status.conditions[?(@.type=="${type}")].${property}`;
}

const lastColumns: readonly PrinterColumn[] = [
  { name: 'Ready', type: 'string', jsonPath: ofCondition('Ready', 'status'), description: 'Whether all is well.' },
  { name: 'Reason', type: 'string', jsonPath: ofCondition('Ready', 'reason'), description: 'Why.', priority: 1 },
  {
    name: 'Message',
    type: 'string',
    jsonPath: ofCondition('Ready', 'message'),
    description: 'Why, and what to do.',
    priority: 1,
  },
  { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp', description: 'Time since its creation.' },
];

export const kinds: Readonly<Record<KindName, KindDefinition>> = {
  SmtpPlusList: {
    kind: 'SmtpPlusList',
    plural: 'smtppluslists',
    singular: 'smtppluslist',
    listKind: 'SmtpPlusListList',
    shortNames: ['spl'],
    description:
      'Settings that a group of SmtpPlusUsers shares: where their mail goes, and which rules it has to follow.',
    spec: listSpec,
    status: listStatus,
    rules: listRules,
    columns: [
      { name: 'Class', type: 'string', jsonPath: '.spec.relayClassName', description: 'Relay class that serves it.' },
      { name: 'Upstream', type: 'string', jsonPath: '.spec.upstream.host', description: 'Smart host.' },
      { name: 'Users', type: 'integer', jsonPath: '.status.users.total', description: 'Users that belong to it.' },
      { name: 'Active', type: 'integer', jsonPath: '.status.users.active', description: 'Users that may send.' },
      {
        name: 'Suspended',
        type: 'boolean',
        jsonPath: '.spec.suspend',
        description: 'Whether all its users are refused.',
      },
      ...lastColumns,
    ],
    selectableFields: ['.spec.relayClassName'],
  },
  SmtpPlusUser: {
    kind: 'SmtpPlusUser',
    plural: 'smtpplususers',
    singular: 'smtpplususer',
    listKind: 'SmtpPlusUserList',
    shortNames: ['spu'],
    description: 'One SMTP credential, for one application.',
    spec: userSpec,
    status: userStatus,
    rules: [...userRules, ...secretTemplateRules],
    columns: [
      { name: 'List', type: 'string', jsonPath: '.status.list', description: 'The list that it belongs to.' },
      { name: 'Username', type: 'string', jsonPath: '.status.username', description: 'Log-in name.' },
      {
        name: 'Secret',
        type: 'string',
        jsonPath: '.status.secretRef.name',
        description: 'Secret with its credentials.',
      },
      {
        name: 'Active',
        type: 'string',
        jsonPath: ofCondition('Active', 'status'),
        description: 'Whether it may send.',
      },
      { name: 'Mode', type: 'string', jsonPath: '.spec.mode', description: 'Live or Sandbox.', priority: 1 },
      {
        name: 'Last used',
        type: 'date',
        jsonPath: '.status.lastUsedTime',
        description: 'When it last logged in or sent something.',
        priority: 1,
      },
      {
        name: 'Unused',
        type: 'string',
        jsonPath: ofCondition('Unused', 'status'),
        description: 'Whether nobody has used it for 90 days.',
        priority: 1,
      },
      ...lastColumns,
    ],
    selectableFields: ['.spec.username'],
  },
  VerifiedSender: {
    kind: 'VerifiedSender',
    plural: 'verifiedsenders',
    singular: 'verifiedsender',
    listKind: 'VerifiedSenderList',
    shortNames: ['vsender'],
    description: 'An address or domain that users of this namespace may send as, once it is verified.',
    spec: senderSpec,
    status: senderStatus,
    rules: senderRules,
    columns: [
      // from the status, since a column reads one path: the spec has either an address or a domain
      { name: 'Sender', type: 'string', jsonPath: '.status.sender', description: 'The address or @domain.' },
      {
        name: 'Verified',
        type: 'string',
        jsonPath: ofCondition('Verified', 'status'),
        description: 'Whether it can be used.',
      },
      { name: 'Method', type: 'string', jsonPath: '.status.method', description: 'How it was verified.' },
      {
        name: 'Next check',
        type: 'date',
        jsonPath: '.status.nextCheckTime',
        description: 'When its record will next be looked up.',
        priority: 1,
      },
      {
        name: 'Signing',
        type: 'string',
        jsonPath: ofCondition('Signing', 'status'),
        description: 'Whether its mail is signed with DKIM.',
        priority: 1,
      },
      {
        name: 'Published',
        type: 'string',
        jsonPath: ofCondition('Published', 'status'),
        description: 'Whether external-dns is asked to publish its records.',
        priority: 1,
      },
      ...lastColumns,
    ],
    selectableFields: ['.spec.domain', '.spec.address'],
  },
};

export const kindNames: readonly KindName[] = ['SmtpPlusList', 'SmtpPlusUser', 'VerifiedSender'];

/** Whether a `kind` is one of ours. */
export function isKindName(kind: string): kind is KindName {
  return (kindNames as readonly string[]).includes(kind);
}

/** Where every field of a spec may be absent, the spec may be, too: the API server fills in its defaults. */
export function isSpecNeeded({ spec, rules }: Pick<KindDefinition, 'spec' | 'rules'>): boolean {
  const empty = spec.safeParse({});
  if (!empty.success) return true;
  return rules.some(
    ({ at, transition, holds }) => at.join('.') === 'spec' && !transition && !holds(empty.data, undefined),
  );
}
