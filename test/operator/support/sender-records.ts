/** Records that a sender asks for, and what relays are told of it. */
import assert from 'node:assert/strict';
import { shardDocumentSchema } from '../../../relay/config/config.ts';
import { zoneLine } from '../../support/dkim.ts';
import { eventually } from '../../support/eventually.ts';
import type { Admin, LiveObject } from './admin.ts';
import { OPERATOR_NAMESPACE } from './operator.ts';

export interface DnsRecord {
  readonly purpose: string;
  readonly name: string;
  readonly value: string;
  readonly message: string;
}

/** The record that proves the domain of a sender, as a line of a zone file. */
export function proofLine(admin: Admin, key: string): Promise<string> {
  return eventually(async () => {
    const status = (await admin.get('VerifiedSender', key))?.status;
    const found = status?.['challenge'] as { recordName: string; recordValue: string } | undefined;
    assert.ok(found !== undefined);
    return zoneLine(found.recordName, found.recordValue);
  });
}

/** Records of keys, once there are so many. */
export function keyRecords(admin: Admin, key: string, count: number): Promise<readonly DnsRecord[]> {
  return eventually(async () => {
    const records = ((await admin.get('VerifiedSender', key))?.status?.['dnsRecords'] ?? []) as readonly DnsRecord[];
    const ofKeys = records.filter(({ purpose }) => purpose === 'DKIM');
    assert.equal(ofKeys.length, count);
    return ofKeys;
  });
}

/** Waits until some of them are said to sign no more. */
export async function retired(admin: Admin, key: string, old: readonly DnsRecord[]): Promise<void> {
  await eventually(async () => {
    const records = ((await admin.get('VerifiedSender', key))?.status?.['dnsRecords'] ?? []) as readonly DnsRecord[];
    for (const { name } of old) assert.match(records.find((one) => one.name === name)?.message ?? '', /^Keep it until/);
  });
}

export const linesOf = (records: readonly DnsRecord[]): string[] =>
  records.map(({ name, value }) => zoneLine(name, value));

/** Waits until relays are told to sign with these keys, and no other. */
export async function signedBy(admin: Admin, key: string, records: readonly DnsRecord[]): Promise<void> {
  const wanted = records.map(({ name }) => name.slice(0, name.indexOf('.'))).sort();
  await eventually(async () => assert.deepEqual(await selectorsInRelays(admin, key), wanted));
}

async function selectorsInRelays(admin: Admin, key: string): Promise<readonly string[]> {
  const signers = (await shardsOfRelays(admin)).flatMap(({ dkim }) => dkim[key] ?? []);
  return signers.flatMap(({ keys }) => keys.map(({ selector }) => selector)).sort();
}

/** Whether relays take mail from the domain of a namespace. */
export async function relaysTake(admin: Admin, name: string): Promise<boolean> {
  return (await relaysAnswer(admin, name, `@${name}.example`)) === 'taken';
}

/** What becomes of mail of the users of a namespace from this sender. */
export async function relaysAnswer(admin: Admin, name: string, of: string): Promise<'taken' | 'to wait' | 'refused'> {
  const rules = (await shardsOfRelays(admin)).flatMap(({ namespaces }) => namespaces[name] ?? []);
  const matching = rules.filter(({ sender: rule }) => rule === of);
  if (matching.some(({ verified }) => verified)) return 'taken';
  return matching.some(({ unchecked }) => unchecked) ? 'to wait' : 'refused';
}

/** Deletes the Secrets in which the operator keeps what it knows. */
export async function removeEvidence(
  admin: Admin,
  label: 'smtpplus.io/evidence' | 'smtpplus.io/mail-proofs' | 'smtpplus.io/dkim',
): Promise<void> {
  for (const { metadata } of await secretsOf(admin, label)) {
    await admin.remove('Secret', `${OPERATOR_NAMESPACE}/${metadata.name}`);
  }
}

async function secretsOf(admin: Admin, label: string): Promise<readonly LiveObject[]> {
  const path = `/api/v1/namespaces/${OPERATOR_NAMESPACE}/secrets?labelSelector=${label}`;
  const answer = await admin.client.request<{ readonly items: readonly LiveObject[] }>({ method: 'GET', path });
  assert.ok(answer.ok);
  return answer.body.items;
}

async function shardsOfRelays(admin: Admin) {
  const documents = (await secretsOf(admin, 'smtpplus.io/relay-config')).flatMap(({ data = {} }) =>
    Object.entries(data),
  );
  return documents
    .filter(([file]) => file.startsWith('shard-'))
    .map(([, value]) => shardDocumentSchema.parse(JSON.parse(Buffer.from(value, 'base64').toString())));
}

/** Has everything about a sender looked up at once. */
export function lookNow(admin: Admin, key: string): Promise<void> {
  const annotations = { 'smtpplus.io/check-now': String(performance.now()) };
  return admin.patch('VerifiedSender', key, { metadata: { annotations } });
}
