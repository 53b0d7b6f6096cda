import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { lookUp } from '../../operator/verify/look-up.ts';
import { needsCommand } from '../support/commands.ts';
import { answerWith, startDnsServer, startNsd } from '../support/dns-server.ts';

const VALUE = 'smtpplus-verification=0123456789';
const question = (domain: string) => ({ recordName: `_smtpplus-challenge.${domain}`, recordValue: VALUE });
const many = Array.from({ length: 900 }, (_, index) => `_smtpplus-challenge.many IN TXT "filler ${index}"`);
const tooMany = Array.from(
  { length: 3000 },
  (_, index) => `_smtpplus-challenge.toomany IN TXT "filler ${index} ${'x'.repeat(30)}"`,
);
const RECORDS = [
  `_smtpplus-challenge.plain IN TXT "${VALUE}"`,
  '_smtpplus-challenge.parts IN TXT "smtpplus-" "verification=0123" "456789"',
  `_smtpplus-challenge.spaces IN TXT " ${VALUE} "`,
  `_smtpplus-challenge.among IN TXT "v=spf1 -all"`,
  `_smtpplus-challenge.among IN TXT "smtpplus-verification=of-another-namespace"`,
  `_smtpplus-challenge.among IN TXT "${VALUE}"`,
  '_smtpplus-challenge.alias IN CNAME proof.example.',
  `proof IN TXT "${VALUE}"`,
  ...many,
  `_smtpplus-challenge.many IN TXT "${VALUE}"`,
  ...tooMany,
  '_smtpplus-challenge.other IN TXT "smtpplus-verification=0123456780"',
  '_smtpplus-challenge.capitals IN TXT "SMTPPLUS-VERIFICATION=0123456789"',
  `_smtpplus-challenge.longer IN TXT "${VALUE}0"`,
  '_smtpplus-challenge.foreign IN TXT "the internal password is rosebud"',
  '_smtpplus-challenge.foreign IN TXT "v=spf1 -all"',
  '_smtpplus-challenge.odd IN TXT "smtpplus-verification=\\027[31m\\000\\200"',
  `_smtpplus-challenge.long IN TXT "smtpplus-verification=${'y'.repeat(200)}"`,
  '_smtpplus-challenge.nodata IN A 127.0.0.1',
  '_smtpplus-challenge.loop IN CNAME loop.example.',
  'loop IN CNAME _smtpplus-challenge.loop',
  '_smtpplus-challenge.dangling IN CNAME nowhere.example.',
  '_smtpplus-challenge.away IN CNAME proof.elsewhere.test.',
];

describe('a look-up at a real name server', () => {
  test('tells what is there from what is not, and both from what could not be asked', async (t) => {
    if (!needsCommand(t, 'nsd')) return;
    const { address } = await startNsd(t, RECORDS);
    const seen = async (domain: string) => {
      const { outcome, detail } = await lookUp(question(domain), { servers: [address], quorum: 1 });
      return [outcome, detail];
    };

    for (const domain of ['plain', 'parts', 'spaces', 'among', 'alias', 'many']) {
      assert.deepEqual(await seen(`${domain}.example`), ['found', 'it is there'], domain);
    }
    assert.deepEqual(await seen('other.example'), ['mismatch', '"smtpplus-verification=0123456780"']);
    assert.deepEqual(await seen('longer.example'), ['mismatch', `"${VALUE}0"`]);
    assert.deepEqual(await seen('capitals.example'), ['mismatch', '1 TXT record for other purposes']);
    assert.deepEqual(await seen('long.example'), ['mismatch', `"smtpplus-verification=${'y'.repeat(98)}…"`]);
    assert.deepEqual(await seen('odd.example'), ['mismatch', '"smtpplus-verification=?[31m??"']);
    const absent = {
      nowhere: /NXDOMAIN/,
      nodata: /NODATA/,
      dangling: /NXDOMAIN/,
      loop: /alias \(CNAME\)/,
      away: /alias \(CNAME\)/,
      toomany: /more of them than a DNS answer can hold/,
    };
    for (const [domain, detail] of Object.entries(absent)) {
      const [outcome, said] = await seen(`${domain}.example`);
      assert.equal(outcome, 'absent', domain);
      assert.match(said ?? '', detail, domain);
    }
    assert.match(String(await seen('plain.test')), /^failed,.*REFUSED/);
  });

  test('does not read out what an alias points to', async (t) => {
    if (!needsCommand(t, 'nsd')) return;
    const { address } = await startNsd(t, RECORDS);
    const seen = await lookUp(question('foreign.example'), { servers: [address], quorum: 1 });
    assert.deepEqual(seen, { outcome: 'mismatch', detail: '2 TXT records for other purposes' });
  });
});

describe('a look-up at a hostile or broken name server', { concurrency: true }, () => {
  // long enough for a busy machine to answer in
  const timeoutMs = 1000;
  const failures: Readonly<Record<string, readonly [(question: Buffer) => Buffer | undefined, RegExp]>> = {
    'says nothing': [() => undefined, /no answer in time/],
    'sends an empty packet': [() => Buffer.alloc(0), /no answer in time/],
    'sends garbage': [() => Buffer.from('garbage'), /malformed/],
    'answers another question': [(question) => answerWith(Buffer.from(question).fill(1, 0, 2), 3), /no answer in time/],
    'claims records that do not follow': [
      (question) => {
        const packet = answerWith(question, 0);
        packet.writeUInt16BE(5, 6);
        return packet;
      },
      /malformed/,
    ],
    'says SERVFAIL': [(question) => answerWith(question, 2), /SERVFAIL/],
    'says REFUSED': [(question) => answerWith(question, 5), /REFUSED/],
    'says FORMERR': [(question) => answerWith(question, 1), /FORMERR/],
    'says NOTIMP': [(question) => answerWith(question, 4), /NOTIMP/],
    'truncates, and takes no TCP': [
      (question) => {
        const packet = answerWith(question, 0);
        packet.writeUInt16BE(0x8380, 2);
        return packet;
      },
      /nothing answers/,
    ],
  };
  for (const [what, [answer, detail]] of Object.entries(failures)) {
    test(`fails, and never says that the record is absent, where it ${what}`, async (t) => {
      const { address } = await startDnsServer(t, answer);
      const seen = await lookUp(question('shop.example'), { servers: [address], quorum: 1, timeoutMs });
      assert.equal(seen.outcome, 'failed');
      assert.match(seen.detail, detail);
    });
  }

  test('fails for a name that is none', async (t) => {
    const { address } = await startDnsServer(t, () => undefined);
    const seen = await lookUp(question(`${'a'.repeat(64)}.example`), { servers: [address], quorum: 1, timeoutMs });
    assert.equal(seen.outcome, 'failed');
  });
});

describe('resolvers that have to agree', { concurrency: true }, () => {
  const yes = (): ReturnType<typeof txt> => txt(VALUE);
  const other = (): ReturnType<typeof txt> => txt('smtpplus-verification=poisoned');
  const no = (question: Buffer): Buffer => answerWith(question, 3);
  const silent = (): undefined => undefined;
  type Answer = (question: Buffer) => Buffer | undefined;
  const of = (make: () => (question: Buffer) => Buffer): Answer => make();
  const cases: readonly (readonly [string, readonly Answer[], number, string])[] = [
    ['all find it', [of(yes), of(yes), of(yes)], 2, 'found'],
    ['most find it, and one is poisoned', [of(yes), of(other), of(yes)], 2, 'found'],
    ['one is poisoned, and the others know of nothing', [of(yes), no, no], 2, 'absent'],
    ['most see another value', [of(other), no, of(yes)], 2, 'mismatch'],
    ['one finds it, and the others do not answer', [of(yes), silent, silent], 2, 'failed'],
    ['one does not find it, and the others do not answer', [no, silent, silent], 2, 'failed'],
    ['one of two finds it', [of(yes), no], 2, 'failed'],
    ['all are wanted, and one does not answer', [of(yes), of(yes), silent], 3, 'failed'],
  ];
  for (const [what, answers, quorum, outcome] of cases) {
    test(`come to "${outcome}" where ${what}`, async (t) => {
      const servers = await Promise.all(answers.map(async (answer) => (await startDnsServer(t, answer)).address));
      const seen = await lookUp(question('shop.example'), { servers, quorum, timeoutMs: 1000 });
      assert.equal(seen.outcome, outcome);
      if (outcome === 'failed') for (const server of servers) assert.ok(seen.detail.includes(server), seen.detail);
    });
  }
});

/** One TXT record of one string for the name of the question (a pointer to it, RFC 1035 section 4.1.4). */
function txt(value: string): (question: Buffer) => Buffer {
  return (question) => {
    const head = Buffer.from(question.subarray(0, endOfQuestion(question)));
    head.writeUInt16BE(0x8180, 2);
    head.writeUInt16BE(1, 6);
    head.writeUInt16BE(0, 10);
    const record = Buffer.from([0xc0, 12, 0, 16, 0, 1, 0, 0, 0, 60, 0, value.length + 1, value.length]);
    return Buffer.concat([head, record, Buffer.from(value)]);
  };
}

/** Behind name, type and class. */
function endOfQuestion(question: Buffer): number {
  let at = 12;
  while ((question[at] ?? 0) > 0) at += 1 + (question[at] ?? 0);
  return at + 5;
}
