/** Configurations that the dialogues play in. */
import { aClass, aConfig, aList, aSender, aUser, LIST, USER, VERIFIER } from '../support/relay-config.ts';
import { aSmartHost } from '../support/upstream.ts';
import { replies } from '../../relay/replies.ts';
import type { startSubmission } from '../support/submission.ts';

type Scene = NonNullable<Parameters<typeof startSubmission>[0]>;

const POLICY = aList().senderPolicy;

const lists = {
  [LIST]: aList(),
  'shop/held': aList({ suspended: true }),
  'shop/bounces': aList({ senderPolicy: { ...POLICY, nullSender: 'Allow' } }),
  'shop/audited': aList({ senderPolicy: { ...POLICY, envelopeFrom: 'Audit', headerFrom: 'Audit' } }),
  'shop/bound': aList({ senderPolicy: { ...POLICY, replyTo: 'SameAsFrom' } }),
  'shop/printers': aList({ starttls: 'Optional' }),
  'shop/passthrough': aList({ delivery: { ...aList().delivery, mode: 'Passthrough' } }),
  'shop/real': aList({ upstream: aSmartHost(25) }),
};

const users = {
  [USER]: aUser(),
  'inactive.shop': aUser({ active: false }),
  'rotated.shop': aUser({ credentials: [{ verifier: VERIFIER, notAfter: '2020-01-01T00:00:00Z' }] }),
  'inside.shop': aUser({ clientCIDRs: ['10.0.0.0/8', '2001:db8::/32'] }),
  'held.shop': aUser({ list: 'shop/held' }),
  'empty.shop': aUser({ namespace: 'empty' }),
  'bounces.shop': aUser({ list: 'shop/bounces' }),
  'audited.shop': aUser({ list: 'shop/audited' }),
  'bound.shop': aUser({ list: 'shop/bound' }),
  'printer.shop': aUser({ list: 'shop/printers' }),
  'inside-printer.shop': aUser({ list: 'shop/printers', clientCIDRs: ['10.0.0.0/8'] }),
  'sandbox.shop': aUser({ mode: 'Sandbox' }),
  'passthrough.shop': aUser({ list: 'shop/passthrough' }),
  'real.shop': aUser({ list: 'shop/real' }),
  'real-sandbox.shop': aUser({ list: 'shop/real', mode: 'Sandbox' }),
  'small.shop': aUser({ limits: { messageBytes: 1000 } }),
  'few.shop': aUser({ limits: { recipientsPerMessage: 2 } }),
  'hourly.shop': aUser({ limits: { messagesPerHour: 1 } }),
  'hourly-sandbox.shop': aUser({ mode: 'Sandbox', limits: { messagesPerHour: 1 } }),
  'daily.shop': aUser({ limits: { recipientsPerDay: 2 } }),
};

const namespaces = {
  shop: [aSender(), aSender({ sender: '@pending.example', verified: false, object: 'shop/pending' })],
};

const standard = { lists, users, namespaces };

export type SceneName = keyof typeof SCENES;

export const SCENES = {
  standard: (): Scene => ({ config: aConfig(standard) }),
  unloaded: (): Scene => ({ config: undefined }),
  optional: (): Scene => ({ config: aConfig({ ...standard, relayClass: aClass({ starttls: 'Optional' }) }) }),
  'ascii-only': (): Scene => ({ config: aConfig({ ...standard, relayClass: aClass({ smtputf8: 'Refuse' }) }) }),
  'strict-optional': (): Scene => ({
    config: aConfig({ ...standard, relayClass: aClass({ starttls: 'Optional', session: { failedLogins: 2 } }) }),
  }),
  strict: (): Scene => ({
    config: aConfig({ ...standard, relayClass: aClass({ session: { failedLogins: 2, failedCommands: 3 } }) }),
  }),
  full: (): Scene => ({ room: { refusal: replies.diskFull, use: (_, write) => write(), incoming: () => {} } }),
  buggy: (): Scene => ({
    room: {
      refusal: () => {
        throw new Error('a bug');
      },
      use: (_, write) => write(),
      incoming: () => {},
    },
  }),
  failing: (): Scene => ({ accept: () => Promise.reject(new Error('a bug')) }),
  'full-database': (): Scene => ({
    accept: () => Promise.reject(Object.assign(new Error('No space left on device'), { code: 28 })),
  }),
  'broken-disk': (): Scene => ({
    accept: () => Promise.reject(Object.assign(new Error('write failed'), { code: 'EIO' })),
  }),
};
