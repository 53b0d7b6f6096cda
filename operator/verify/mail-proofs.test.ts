import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../../test/support/eventually.ts';
import type { MailEvidence, MailVerification } from '../core/mail-evidence.ts';
import type { ObjectMeta } from '../core/model.ts';
import { judgeMail, type MailVerdict } from '../core/senders/mail-proof.ts';
import { createInstallation } from '../installation.ts';
import { mailEvidenceSchema } from './mail-evidence.ts';
import { linksOf } from './mail-links.ts';
import { createMailProofs, type OutgoingChallenge, type MailProofsOptions, type MailStep } from './mail-proofs.ts';

const installation = createInstallation('ab'.repeat(32));
const verification: MailVerification = { className: 'default', from: 'verification@platform.example', hasPage: true };
const HOUR = 3_600_000;

interface SenderOf {
  readonly namespace?: string;
  readonly name?: string;
  readonly address?: string;
  readonly code?: string;
  readonly resend?: string;
  readonly wasProven?: boolean;
}

/** The part of an operator that is about mails: what is planned is done, and what is done is planned anew. */
function start(t: TestContext, options: Partial<MailProofsOptions> = {}) {
  let now = new Date('2026-01-01T00:00:00Z');
  const disk = new Map<string, string>();
  const senders = new Map<string, SenderOf>();
  const mails: OutgoingChallenge[] = [];
  const steps: MailStep[] = [];
  const troubles: string[] = [];
  const read = (key: string): MailEvidence | undefined => {
    const text = disk.get(key);
    return text === undefined ? undefined : mailEvidenceSchema.parse(JSON.parse(text));
  };
  const verdictOf = ({
    namespace = 'shop',
    name = 'news',
    address = 'news@shop.example',
    code,
    resend,
    wasProven = false,
  }: SenderOf): MailVerdict => {
    const annotations = resend === undefined ? {} : { 'smtpplus.io/resend': resend };
    const meta: ObjectMeta = { namespace, name, uid: name, generation: 1, labels: {}, annotations };
    const { codeHash } = installation.issuer;
    const graceSeconds = 72 * 3600;
    return judgeMail(
      { meta, address, code, isNeeded: true, mayBeCovered: undefined, verification, codeHash, wasProven, graceSeconds },
      read(`${namespace}/${address}`),
      now,
    );
  };
  const create = () => {
    const proofs = createMailProofs({
      store: () => ({
        keptOf: read,
        of: read,
        all: () => [...disk.keys()].map((key) => [key, read(key) ?? assert.fail()] as const),
        keep: async (key, parts) => void disk.set(key, JSON.stringify({ ...read(key), ...parts })),
        forget: async (keys) => {
          for (const key of keys) disk.delete(key);
        },
      }),
      linkHash: installation.linkHash,
      codeHash: installation.issuer.codeHash,
      limits: { perNamespace: 50, inTotal: 1000 },
      send: async (challenge) => void mails.push(challenge),
      onEvidence: () => plan(),
      onStep: (step) => steps.push(step),
      onTrouble: (message) => troubles.push(message),
      now: () => now,
      shortestMs: 0,
      ...options,
    });
    t.after(proofs.close);
    return proofs;
  };
  let proofs = create();
  const plan = (): void => {
    for (const [key, sender] of senders) proofs.set(key, verdictOf(sender).wish);
  };
  const keyOf = ({ namespace = 'shop', name = 'news' }: SenderOf): string => `${namespace}/${name}`;
  return {
    mails,
    steps,
    troubles,
    disk,
    read,
    at: () => now,
    put: (sender: SenderOf = {}) => {
      senders.set(keyOf(sender), sender);
      plan();
    },
    remove: (sender: SenderOf = {}) => {
      senders.delete(keyOf(sender));
      proofs.set(keyOf(sender), undefined);
    },
    /** What a status would say. */
    reason: (sender: SenderOf = senders.get('shop/news') ?? {}) => verdictOf(sender).judgement.reason,
    verdict: () => verdictOf(senders.get('shop/news') ?? {}),
    message: () => verdictOf(senders.get('shop/news') ?? {}).judgement.message,
    wait: (milliseconds: number) => {
      now = new Date(now.getTime() + milliseconds);
      plan();
    },
    open: async (token: string) => {
      const hash = installation.linkHash(token);
      const link = linksOf([...disk.keys()].map((key) => [key, read(key) ?? assert.fail()] as const)).get(hash);
      await proofs.confirm(link?.key ?? 'shop/news@shop.example', hash);
    },
    /** Killed, and started again. */
    restart: () => {
      proofs.close();
      proofs = create();
      plan();
    },
  };
}

const quiet = (): Promise<void> => sleep(40);

describe('proofs by mail', () => {
  test('that are lost are asked for again, and the mail of the address waits for as long as a record may be missing', async (t) => {
    const { put, mails, verdict, wait, open, read, restart } = start(t);
    put({ wasProven: true });
    const mail = await until(() => mails[0]);
    await until(() => verdict().judgement.reason === 'Pending');
    assert.deepEqual([verdict().judgement.status, verdict().isUnchecked, verdict().isLost], ['False', true, true]);
    // its status says no more that it is proven
    put();
    restart();
    wait(71 * HOUR);
    assert.deepEqual([verdict().isUnchecked, verdict().isLost], [true, true]);
    assert.match(verdict().judgement.message, /refuse its mail from 2026-01-04T00:00:00Z\.$/);
    wait(HOUR);
    assert.deepEqual([verdict().isUnchecked, verdict().isLost], [undefined, undefined]);
    assert.equal(mails.length, 1);
    put({ resend: '1' });
    const again = await until(() => mails[1]);
    assert.notEqual(again.token, mail.token);
    await open(again.token);
    assert.equal(verdict().judgement.status, 'True');
    assert.equal(read('shop/news@shop.example')?.lostTime, undefined);
  });

  test('send one mail, whose link proves the address in its namespace alone', async (t) => {
    const { put, mails, open, reason } = start(t);
    put();
    const mail = await until(() => mails[0]);
    await until(() => reason() === 'Pending');
    assert.deepEqual([mail.key, mail.sender], ['shop/news@shop.example', 'shop/news']);
    await open(mail.token);
    assert.equal(reason(), 'EmailProof');
    assert.equal(reason({ namespace: 'other' }), 'MailNotSentYet');
    await quiet();
    assert.equal(mails.length, 1);
  });

  test('keep neither link nor code', async (t) => {
    const { put, mails, disk } = start(t);
    put();
    const { token, code } = await until(() => mails[0]);
    const kept = [...disk.values()].join('');
    for (const secret of [token, code, code.replace('-', '')]) assert.ok(!kept.includes(secret), kept);
  });

  test('take the code of the mail, in whatever case, with or without its hyphen', async (t) => {
    const { put, mails, reason } = start(t);
    put();
    const { code } = await until(() => mails[0]);
    put({ code: code.replace('-', '').toLowerCase() });
    await until(() => reason() === 'EmailProof');
  });

  test('count each wrong code once, and are void after five, the right one and the link too', async (t) => {
    const { put, mails, reason, open, steps } = start(t);
    put();
    const { code, token } = await until(() => mails[0]);
    for (let i = 1; i <= 4; i++) {
      put({ code: `WRONG-${i}` });
      await until(() => steps.filter((step) => step === 'wrong_code').length === i);
      put({ code: `wrong${i}` });
    }
    assert.equal(reason(), 'WrongCode');
    put({ code: 'WRONG-5' });
    await until(() => reason() === 'TooManyWrongCodes');
    put({ code });
    await open(token);
    await quiet();
    assert.equal(reason(), 'TooManyWrongCodes');
    assert.deepEqual(steps, ['sent', 'wrong_code', 'wrong_code', 'wrong_code', 'wrong_code', 'void']);
  });

  test('take no code of another address, of another namespace, or of an earlier mail', async (t) => {
    const { put, mails, reason, wait } = start(t);
    put();
    put({ name: 'second', address: 'second@shop.example' });
    await until(() => mails.length === 2);
    wait(61_000);
    put({ namespace: 'other' });
    await until(() => mails.length === 3);
    const [own, ...others] = mails.toSorted(
      (a, b) => Number(b.key === 'shop/news@shop.example') - Number(a.key === 'shop/news@shop.example'),
    );
    wait(120_000);
    put({ resend: '1' });
    await until(() => mails.length === 4);
    for (const { code } of [own ?? assert.fail(), ...others]) {
      put({ resend: '1', code });
      await until(() => reason() === 'WrongCode');
    }
    put({ resend: '1', code: mails[3]?.code ?? '' });
    await until(() => reason() === 'EmailProof');
  });

  test('take none of a hundred forged links and codes', async (t) => {
    const { put, mails, reason, open, read } = start(t);
    put();
    const { token } = await until(() => mails[0]);
    // another first character, for the last ones of a token may be digits as well
    const forged = (token.startsWith('A') ? 'B' : 'A') + token.slice(1, -2);
    for (let i = 0; i < 100; i++) await open(forged + String(i).padStart(2, '0'));
    assert.equal(read('shop/news@shop.example')?.proof, undefined);
    for (let i = 0; i < 100; i++) put({ code: `FORGED-${i}` });
    await until(() => reason() === 'WrongCode' || reason() === 'TooManyWrongCodes');
    await quiet();
    assert.equal(read('shop/news@shop.example')?.proof, undefined);
  });

  test('expire after a day, and send another mail when somebody asks for it, and then only', async (t) => {
    const { put, mails, reason, message, wait, open } = start(t);
    put();
    const { token } = await until(() => mails[0]);
    wait(24 * HOUR);
    assert.equal(reason(), 'CodeExpired');
    assert.match(message(), /smtpplus\.io\/resend/);
    await open(token);
    await quiet();
    assert.deepEqual([reason(), mails.length], ['CodeExpired', 1]);
    put({ resend: 'again' });
    await until(() => mails.length === 2);
    await until(() => reason() === 'Pending');
    await open(token);
    assert.equal(reason(), 'Pending', 'the link of the first mail');
    await open(mails[1]?.token ?? '');
    assert.equal(reason(), 'EmailProof');
  });

  test('say why a mail could not be sent, and try again, later each time', async (t) => {
    const answers: (string | undefined)[] = ['connection refused', 'connection refused', undefined];
    const sent: OutgoingChallenge[] = [];
    const { put, reason, message, wait, troubles } = start(t, {
      send: async (challenge) => {
        sent.push(challenge);
        return answers.shift();
      },
    });
    put();
    await until(() => reason() === 'MailNotSent');
    assert.match(message(), /connection refused.*Next try: 2026-01-01T00:00:15Z/);
    await quiet();
    assert.equal(sent.length, 1);
    wait(15_000);
    await until(() => sent.length === 2);
    await until(() => message().includes('2026-01-01T00:00:45Z'));
    wait(30_000);
    await until(() => reason() === 'Pending');
    assert.equal(troubles.length, 2);
  });

  test('send at most three mails a day to one address, however often somebody asks, deletes or makes anew', async (t) => {
    const { put, remove, mails, reason, message, wait } = start(t);
    for (let i = 0; i < 20; i++) {
      put({ resend: String(i) });
      await until(() => mails.length >= Math.min(3, i + 1));
      remove();
      wait(10 * 60_000);
    }
    await quiet();
    assert.equal(mails.length, 3);
    put({ resend: 'last' });
    await until(() => message().includes('3 went to it within 24 h'));
    wait(24 * HOUR);
    await until(() => mails.length === 4);
    await until(() => reason() === 'Pending');
  });

  test('send no more to one mailbox than that of several namespaces, with tags in the address or without', async (t) => {
    const { put, mails, wait } = start(t);
    for (let i = 0; i < 30; i++) {
      put({ namespace: `ns-${i % 10}`, name: `s${i}`, address: `victim+${i}@shop.example` });
      await until(() => mails.length >= Math.min(9, i + 1));
      wait(61_000);
    }
    await quiet();
    assert.equal(mails.length, 9);
  });

  test('send no more of one namespace, nor in all, than the settings say', async (t) => {
    const limits = { perNamespace: 5, inTotal: 8 };
    const { put, mails, reason } = start(t, { limits });
    for (let i = 0; i < 20; i++) put({ name: `s${i}`, address: `a${i}@shop.example` });
    await until(() => mails.length === 5);
    for (let i = 0; i < 20; i++) put({ namespace: `ns-${i}`, name: 's', address: `b${i}@shop.example` });
    await until(() => mails.length === 8);
    await until(() => reason({ namespace: 'ns-19', name: 's', address: 'b19@shop.example' }) === 'MailLimitReached');
    await quiet();
    assert.equal(mails.length, 8);
  });

  test('know an address again that comes back within an hour, and ask anew after that', async (t) => {
    const { put, remove, mails, reason, open, wait, read } = start(t);
    put();
    await open((await until(() => mails[0])).token);
    remove();
    wait(59 * 60_000);
    put({ name: 'renamed' });
    assert.equal(reason({ name: 'renamed' }), 'EmailProof');
    remove({ name: 'renamed' });
    wait(61 * 60_000);
    assert.equal(reason({ name: 'late' }), 'MailNotSentYet');
    put({ name: 'late' });
    await until(() => mails.length === 2);
    assert.equal(read('shop/news@shop.example')?.proof, undefined);
  });

  test('are one for all VerifiedSenders of a namespace with that address, and send one mail for them', async (t) => {
    const { put, remove, mails, reason, open } = start(t);
    put();
    put({ name: 'twin', resend: 'x' });
    await until(() => mails.length > 0);
    await quiet();
    assert.equal(mails.length, 1);
    await open(mails[0]?.token ?? '');
    remove({ name: 'twin' });
    assert.deepEqual([reason(), reason({ name: 'twin' })], ['EmailProof', 'EmailProof']);
  });

  for (const killedAt of ['before the mail left', 'after it'] as const) {
    test(`come to the same end where the operator is killed ${killedAt}, and nobody has noted down that it was sent`, async (t) => {
      const sent: OutgoingChallenge[] = [];
      const reached = Promise.withResolvers<undefined>();
      let isKilled = false;
      const { put, restart, reason, open, wait } = start(t, {
        send: async (challenge) => {
          if (isKilled || killedAt === 'after it') sent.push(challenge);
          if (isKilled) return undefined;
          reached.resolve(undefined);
          // nobody goes on from here
          return new Promise(() => undefined);
        },
      });
      put();
      await reached.promise;
      isKilled = true;
      restart();
      await until(() => reason() === 'MailLimitReached');
      if (killedAt === 'after it') {
        await open(sent[0]?.token ?? '');
        return assert.equal(reason(), 'EmailProof');
      }
      wait(61_000);
      await open((await until(() => sent[0])).token);
      return assert.equal(reason(), 'EmailProof');
    });
  }
});
