import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { lookUp } from '../../operator/verify/look-up.ts';
import { lookAtSpf } from '../../operator/verify/spf-record.ts';
import { needsCommand } from '../support/commands.ts';
import { answerWith, startDnsServer, startNsd } from '../support/dns-server.ts';

const UPSTREAM = '_spf.upstream.example';
const txt = (name: string, value: string) =>
  `${name} IN TXT ${(value.match(/.{1,200}/g) ?? ['']).map((part) => `"${part}"`).join(' ')}`;
const includes = (name: string, count: number) =>
  Array.from({ length: count }, (_, i) => `include:${name}${i}.example`);

const RECORDS = [
  txt(
    '_spf.upstream',
    'v=spf1 ip4:198.51.100.0/25 ip4:198.51.100.128/25 ip6:2001:db8:1::/48 include:_more.upstream.example ~all',
  ),
  txt('_more.upstream', 'v=spf1 a:mail.upstream.example -ip4:203.0.113.9 ip4:203.0.113.9 -all'),
  'mail.upstream IN A 203.0.113.5',
  txt('include', 'v=spf1 mx include:_spf.upstream.example -all'),
  txt('redirect', 'v=spf1 redirect=include.example'),
  txt('flat', 'v=spf1 ip4:198.51.100.0/24 ip6:2001:db8:1::/48 ip4:203.0.113.5 -all'),
  txt('capitals', 'V=SPF1 IP4:203.0.113.77 INCLUDE:_SPF.upstream.EXAMPLE -ALL'),
  txt('others', 'v=spf1 ip4:203.0.113.77 ~all'),
  txt('half', 'v=spf1 ip4:198.51.100.0/24 -all'),
  txt('mention', 'v=spf1 ?include:_spf.upstream.example -all'),
  txt('after', 'v=spf1 -all include:_spf.upstream.example'),
  txt('refused', 'v=spf1 -ip4:203.0.113.0/24 include:_spf.upstream.example -all'),
  txt('two', 'v=spf1 include:_spf.upstream.example -all'),
  txt('two', 'v=spf1 mx -all'),
  txt('near', 'v=spf10 include:_spf.upstream.example -all'),
  'nodata IN A 127.0.0.1',
  txt('loop', 'v=spf1 include:loop.example -all'),
  txt('ring1', 'v=spf1 redirect=ring2.example'),
  txt('ring2', 'v=spf1 redirect=ring1.example'),
  txt('many', `v=spf1 ${includes('many', 10).join(' ')} include:_spf.upstream.example -all`),
  ...Array.from({ length: 10 }, (_, i) => txt(`many${i}`, 'v=spf1 ip4:203.0.113.77 -all')),
  txt('void', 'v=spf1 a:no1.example a:no2.example a:no3.example include:_spf.upstream.example -all'),
  // to a server with an IPv6 address, a name without AAAA is a void one by the letter of the RFC
  txt('stacks', 'v=spf1 a:four1.example a:four2.example a:four3.example include:_spf.upstream.example -all'),
  ...[1, 2, 3].map((i) => `four${i} IN A 203.0.113.${70 + i}`),
  txt('typing', 'v=spf1 inculde:_spf.upstream.example -all'),
  txt('odd', 'v=spf1 include:_spf.upstream.example \\027[31m -all'),
  txt('long', `v=spf1 ${'ip4:203.0.113.77 '.repeat(150)}include:_spf.upstream.example -all`),
  txt('alias-target', 'v=spf1 include:_spf.upstream.example -all'),
  'alias IN CNAME alias-target',
  txt('_asks.upstream', 'v=spf1 exists:%{i}._ips.upstream.example -all'),
  txt('asks', 'v=spf1 include:_asks.upstream.example -all'),
  txt('_broken.upstream', 'v=spf1 ip4:not-an-address -all'),
];

describe('the SPF record of a domain, at a real name server', () => {
  test('is there where it allows what the upstream sends from, in whatever words', async (t) => {
    if (!needsCommand(t, 'nsd')) return;
    const { address } = await startNsd(t, RECORDS);
    const seen = async (domain: string, upstream = UPSTREAM) => {
      const question = { recordName: `${domain}.example`, recordValue: upstream };
      return lookUp(question, { servers: [address], quorum: 1 }, lookAtSpf);
    };
    for (const domain of ['include', 'redirect', 'flat', 'capitals', 'alias', 'long']) {
      assert.equal((await seen(domain)).outcome, 'found', domain);
    }
    assert.equal((await seen('include')).seen, 'v=spf1 mx include:_spf.upstream.example -all');
    assert.equal((await seen('long')).seen, undefined);

    const wrong: Readonly<Record<string, RegExp>> = {
      others: /does not allow 198\.51\.100\.0, which _spf\.upstream\.example allows \(softfail\)/,
      half: /does not allow .*\(fail\)/,
      mention: /does not allow .*\(neutral\)/,
      after: /does not allow .*\(fail\)/,
      refused: /does not allow 203\.0\.113\.5/,
      two: /there are 2 SPF records/,
      loop: /permerror/,
      ring1: /permerror/,
      many: /permerror.*Too many DNS requests/,
      void: /permerror.*void/,
      stacks: /permerror.*void/,
      typing: /permerror.*inculde/,
      odd: /permerror.*invalid characters/,
    };
    for (const [domain, detail] of Object.entries(wrong)) {
      const observation = await seen(domain);
      assert.equal(observation.outcome, 'mismatch', domain);
      assert.match(observation.detail, detail, domain);
      assert.doesNotMatch(observation.detail, /[^\x20-\x7e…]/, domain);
    }
    const absent = { nowhere: /NXDOMAIN/, nodata: /NODATA/, near: /begins with v=spf1/ };
    for (const [domain, detail] of Object.entries(absent)) {
      const observation = await seen(domain);
      assert.equal(observation.outcome, 'absent', domain);
      assert.match(observation.detail, detail, domain);
    }
  });

  test('is judged by what it includes, where the record of the upstream names no addresses', async (t) => {
    if (!needsCommand(t, 'nsd')) return;
    const { address } = await startNsd(t, RECORDS);
    const seen = async (domain: string) =>
      lookUp(
        { recordName: domain, recordValue: '_asks.upstream.example' },
        { servers: [address], quorum: 1 },
        lookAtSpf,
      );
    assert.equal((await seen('asks.example')).outcome, 'found');
    const { outcome, detail } = await seen('include.example');
    assert.deepEqual(
      [outcome, detail],
      ['mismatch', 'it does not allow the servers that _asks.upstream.example allows (fail)'],
    );
  });

  test('is not judged by a record of the upstream that cannot be used', async (t) => {
    if (!needsCommand(t, 'nsd')) return;
    const { address } = await startNsd(t, RECORDS);
    for (const upstream of ['_broken.upstream.example', 'nowhere.example', 'elsewhere.test']) {
      const question = { recordName: 'include.example', recordValue: upstream };
      const { outcome, detail } = await lookUp(question, { servers: [address], quorum: 1 }, lookAtSpf);
      assert.equal(outcome, 'failed', upstream);
      assert.match(detail, new RegExp(`the SPF record of the upstream, ${upstream}, cannot be used`), upstream);
    }
  });

  test('could not be asked for where a name server fails, which is not that it is missing', async (t) => {
    const { address } = await startDnsServer(t, (question) => answerWith(question, 2));
    const question = { recordName: 'shop.example', recordValue: UPSTREAM };
    const { outcome, detail } = await lookUp(question, { servers: [address], quorum: 1, timeoutMs: 1000 }, lookAtSpf);
    assert.equal(outcome, 'failed');
    assert.match(detail, /SERVFAIL/);
  });
});
