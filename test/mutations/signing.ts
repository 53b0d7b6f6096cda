/** Of DKIM: each signs what nobody may sign, or what nobody can verify. */
import type { Mutation } from './mutation.ts';

const SIGN = ['relay/dkim/sign-message.test.ts'];
const HASH = ['relay/dkim/body-hash.test.ts'];
const WAY = ['test/relay/dkim.test.ts'];
const KEYS = ['operator/core/senders/dkim.test.ts'];
const PLANNER = ['operator/core/planner.test.ts'];

export const signingMutations: readonly Mutation[] = [
  {
    name: 'mail of a sender that is not verified is signed',
    file: 'relay/dkim/sign-message.ts',
    from: '.filter((rule) => rule.verified && covers(rule, from.mailbox))',
    to: '.filter((rule) => covers(rule, from.mailbox))',
    tests: SIGN,
  },
  {
    name: 'mail of any author is signed',
    file: 'relay/dkim/sign-message.ts',
    from: '.filter((rule) => rule.verified && covers(rule, from.mailbox))',
    to: '.filter((rule) => rule.verified)',
    tests: SIGN,
  },
  {
    name: 'the domain of a signature may be another one than that of the author',
    file: 'relay/dkim/sign-message.ts',
    from: '.filter((signer) => isOf(signer, from.mailbox))',
    to: '',
    tests: SIGN,
  },
  {
    name: 'what a user leaves to others of its namespace is signed for it',
    file: 'relay/dkim/sign-message.ts',
    from: '!isVerifiedSender(config, user, from.mailbox)',
    to: 'false',
    tests: SIGN,
  },
  {
    name: 'a signature that names ours as absent is broken',
    file: 'relay/dkim/sign-message.ts',
    from: "|| signedFields(fields).has('dkim-signature')",
    to: '',
    tests: SIGN,
  },
  {
    name: 'somebody may add another From',
    file: 'relay/dkim/signature.ts',
    from: 'length: present.length + 1 }',
    to: 'length: present.length }',
    tests: SIGN,
  },
  {
    name: 'repeated fields are signed in the order in which they stand',
    file: 'relay/dkim/signature.ts',
    from: 'present.toReversed()',
    to: 'present',
    tests: SIGN,
  },
  {
    name: 'empty lines at the end are hashed',
    file: 'relay/dkim/body-hash.ts',
    from: 'lineEnds += (whole - end) / 2;',
    to: 'lineEnds += (whole - end) / 2; hashLineEnds();',
    tests: HASH,
  },
  {
    name: 'the header section is hashed with the body',
    file: 'relay/submission/receive.ts',
    from: 'hash?.push(content.subarray(header.length() - before))',
    to: 'hash?.push(content)',
    tests: WAY,
  },
  {
    name: 'mail of a sender that is not verified gets keys',
    file: 'operator/core/senders/dkim.ts',
    from: 'if (!isVerified) return',
    to: 'if (false) return',
    tests: KEYS,
  },
  {
    name: 'keys sign before they are seen in the DNS',
    file: 'operator/core/senders/dkim-keys.ts',
    from: "return evidence?.foundTime !== undefined && evidence.outcome !== 'mismatch';",
    to: "return evidence?.outcome !== 'mismatch';",
    tests: KEYS,
  },
  {
    name: 'the keys before go as soon as the next ones sign',
    file: 'operator/core/senders/dkim-keys.ts',
    from: 'const RETIRED_SECONDS = 7 * 24 * 3600;',
    to: 'const RETIRED_SECONDS = 0;',
    tests: KEYS,
  },
  {
    name: 'relays get keys of senders that none of their users may send as',
    file: 'operator/core/relay-entries.ts',
    from: 'signees.get(className)?.has(sender) === true',
    to: 'true',
    tests: PLANNER,
  },
  {
    name: 'what passes through goes unsigned',
    file: 'relay/delivery/pass-through.ts',
    from: 'await options.sign(message, content)',
    to: '{ content, size: message.size }',
    tests: WAY,
  },
  {
    name: 'records for external-dns: keys of a domain that nobody has proved are among them',
    file: 'operator/core/senders/publication.ts',
    from: 'const hasKeys = isVerified || verdict.isUnchecked === true;',
    to: 'const hasKeys = true;',
    tests: ['operator/core/senders/publication.test.ts', 'operator/core/properties.test.ts'],
  },
  {
    name: 'records for external-dns: the proof is among them without a word of the platform owner',
    file: 'operator/core/senders/publication.ts',
    from: " || (purpose === 'Ownership' && endpoints === 'All')",
    to: " || purpose === 'Ownership'",
    tests: ['operator/core/senders/publication.test.ts', 'operator/core/properties.test.ts'],
  },
];
