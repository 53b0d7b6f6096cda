import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { DnsEvidence } from '../model.ts';
import { judgeAlignment } from './alignment.ts';
import { readDmarcPolicy } from './dmarc-policy.ts';

type Outcome = DnsEvidence['outcome'] | undefined;

function evidence(outcome: Outcome): DnsEvidence | undefined {
  const rest = { recordName: 'n', recordValue: 'v', time: '2026-01-01T00:00:00Z', detail: '', attempts: 0, jitter: 0 };
  return outcome && { ...rest, since: rest.time, outcome, ...(outcome === 'found' && { foundTime: rest.time }) };
}

interface Case {
  readonly isSigned?: boolean;
  readonly spf?: Outcome;
  readonly isSpfKnown?: boolean;
  readonly dmarc?: string;
  readonly seenAt?: string;
  readonly includeSubdomains?: boolean;
}

function judge({ isSigned = false, spf, isSpfKnown = true, dmarc, seenAt, includeSubdomains = false }: Case) {
  const found = evidence(dmarc === undefined ? 'absent' : 'found');
  const { status, message } = judgeAlignment({
    domain: 'shop.example',
    includeSubdomains,
    isSigned,
    isSpfKnown,
    spf: evidence(spf),
    dmarc: found && { ...found, ...(seenAt !== undefined && { seenAt }) },
    policy: dmarc === undefined ? undefined : readDmarcPolicy(dmarc),
  });
  return `${status}: ${message}`;
}

describe('whether mail of a domain passes DMARC', () => {
  const cases: readonly (readonly [string, Case, RegExp])[] = [
    [
      'signed, and allowed',
      { isSigned: true, spf: 'found', dmarc: 'v=DMARC1; p=reject' },
      /^True: .*signed for this domain, and its SPF/,
    ],
    [
      'signed alone',
      { isSigned: true, spf: 'absent', dmarc: 'v=DMARC1; p=reject' },
      /^True: .*signed for this domain\.$/,
    ],
    ['signed, whatever SPF needs', { isSigned: true, isSpfKnown: false, dmarc: 'v=DMARC1; p=none' }, /^True/],
    ['signed, with no record', { isSigned: true, spf: 'found' }, /^True: .*there is none yet\.$/],
    [
      'allowed alone',
      { spf: 'found', dmarc: 'v=DMARC1; p=reject' },
      /^True: .*by SPF alone.*of shop\.example or a subdomain/,
    ],
    ['allowed, by the letter', { spf: 'found', dmarc: 'v=DMARC1; p=none; aspf=s' }, /^True: .*of shop\.example itself/],
    ['neither, and nobody cares', { spf: 'absent', dmarc: 'v=DMARC1; p=none' }, /^False: .*no SPF record.*p=none/],
    ['neither, and junk', { spf: 'mismatch', dmarc: 'v=DMARC1; p=quarantine' }, /^False: .*does not allow.*junk/],
    ['neither, and refused', { spf: 'mismatch', dmarc: 'v=DMARC1;p=reject;sp=none' }, /^False: .*refuse it \(reject\)/],
    [
      'neither, by a record above',
      { spf: 'absent', dmarc: 'v=DMARC1; p=none; sp=reject', seenAt: '_dmarc.example' },
      /^False: .*refuse it \(reject\)/,
    ],
    ['neither, with no record', { spf: 'absent' }, /^False: .*Without a DMARC record/],
    ['a failed look-up', { spf: 'failed', dmarc: 'v=DMARC1; p=reject' }, /^Unknown: .*could not be looked up/],
    ['no look-up yet', { dmarc: 'v=DMARC1; p=reject' }, /^Unknown: .*not been looked up/],
    [
      'an upstream that nobody has named',
      { isSpfKnown: false, dmarc: 'v=DMARC1; p=reject' },
      /^Unknown: .*verification\.spfInclude/,
    ],
    [
      'subdomains, relaxed',
      { isSigned: true, includeSubdomains: true, dmarc: 'v=DMARC1; p=reject' },
      /^True: (?!.*below)/,
    ],
    [
      'subdomains, by the letter',
      { isSigned: true, includeSubdomains: true, dmarc: 'v=DMARC1; p=reject; adkim=s' },
      /^True: .*below shop\.example does not pass/,
    ],
  ];
  for (const [what, circumstances, said] of cases) {
    test(what, () => assert.match(judge(circumstances), said));
  }
});
