import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { lookUp } from '../../operator/verify/look-up.ts';
import { lookAtDmarc } from '../../operator/verify/dmarc-record.ts';
import { needsCommand } from '../support/commands.ts';
import { answerWith, startDnsServer, startNsd } from '../support/dns-server.ts';

const parts = (value: string) => (value.match(/.{1,200}/g) ?? ['']).map((part) => `"${part}"`).join(' ');
const txt = (name: string, value: string) => `_dmarc.${name} IN TXT ${parts(value)}`;

const RECORDS = [
  txt('own', 'v=DMARC1; p=reject; adkim=s'),
  txt('sub.own', 'v=DMARC1; p=none'),
  txt('spaces', ' v = DMARC1 ;p = none; '.trim()),
  txt('lower', 'v=dmarc1;p=none'),
  '_dmarc.alias IN CNAME policy',
  `policy IN TXT "v=DMARC1; p=quarantine"`,
  txt('among', 'some other text'),
  txt('among', 'v=DMARC1; p=none'),
  txt('two', 'v=DMARC1; p=none'),
  txt('two', 'v=DMARC1; p=reject'),
  txt('nothing', 'v=DMARC1'),
  txt('odd', 'v=DMARC1; p=maybe'),
  txt('twice', 'v=DMARC1; p=none; p=reject'),
  txt('other', 'v=spf1 -all'),
  txt('reports', `v=DMARC1; p=none; rua=${'mailto:someone@example.com,'.repeat(100)}mailto:x@example.com; adkim=s`),
];

describe('the DMARC record of a domain, at a real name server', () => {
  test('is its own, or that of the domain that somebody has registered', async (t) => {
    if (!needsCommand(t, 'nsd')) return;
    const { address } = await startNsd(t, RECORDS);
    const seen = async (domain: string) => {
      const question = { recordName: `_dmarc.${domain}.example`, recordValue: 'v=DMARC1' };
      return lookUp(question, { servers: [address], quorum: 1 }, lookAtDmarc);
    };
    const found: Readonly<Record<string, string>> = {
      own: 'v=DMARC1; p=reject; adkim=s',
      'sub.own': 'v=DMARC1; p=none',
      spaces: 'v = DMARC1 ;p = none;',
      lower: 'v=dmarc1;p=none',
      alias: 'v=DMARC1; p=quarantine',
      among: 'v=DMARC1; p=none',
      reports: 'v=DMARC1; p=none; adkim=s',
    };
    for (const [domain, record] of Object.entries(found)) {
      assert.deepEqual(await seen(domain), { outcome: 'found', detail: 'it is there', seen: record }, domain);
    }
    for (const domain of ['below.own', 'far.below.own']) {
      const { outcome, seen: record, seenAt } = await seen(domain);
      assert.deepEqual([outcome, record, seenAt], ['found', found['own'], '_dmarc.own.example'], domain);
    }
    const wrong = { two: /there are 2 DMARC records/, nothing: /needs p=/, odd: /needs p=/, twice: /no tag twice/ };
    for (const [domain, detail] of Object.entries(wrong)) {
      const observation = await seen(domain);
      assert.equal(observation.outcome, 'mismatch', domain);
      assert.match(observation.detail, detail, domain);
    }
    assert.equal((await seen('below.two')).outcome, 'mismatch');
    for (const domain of ['nowhere', 'other', 'below.nowhere']) {
      assert.equal((await seen(domain)).outcome, 'absent', domain);
    }
  });

  test('could not be asked for where a name server fails, which is not that it is missing', async (t) => {
    // of the domain itself there is none, and of the one above nobody knows
    const { address } = await startDnsServer(t, (question) => answerWith(question, question.includes('below') ? 3 : 2));
    const question = { recordName: '_dmarc.below.shop.example', recordValue: 'v=DMARC1' };
    const seen = await lookUp(question, { servers: [address], quorum: 1, timeoutMs: 1000 }, lookAtDmarc);
    assert.equal(seen.outcome, 'failed');
    assert.match(seen.detail, /SERVFAIL/);
  });
});
