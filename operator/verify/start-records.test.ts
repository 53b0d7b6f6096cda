import assert from 'node:assert/strict';
import { createPrivateKey, createPublicKey, sign, verify } from 'node:crypto';
import { describe, test, type TestContext } from 'node:test';
import type { SenderEvidence } from '../core/model.ts';
import type { DkimKeys, KeysWish } from '../core/senders/dkim-model.ts';
import { selectorsOf } from '../core/senders/dkim-keys.ts';
import type { EvidenceStore } from './evidence-store.ts';
import { keysSchema, makeKeys } from './make-keys.ts';
import { startRecords } from './start-records.ts';

const SENDER = 'shop/shop';
const NOW = new Date('2026-01-01T00:00:00Z');
const wish = (more: Partial<KeysWish> = {}): KeysWish => ({
  domain: 'shop.example',
  basis: [],
  kept: [],
  retiring: [],
  isNewWanted: true,
  ...more,
});

function storeOf<Entry extends object>(onWrite: () => void, onRead: () => void): EvidenceStore<Entry> {
  const entries = new Map<string, Entry>();
  return {
    of: (key) => entries.get(key),
    keptOf: (key) => {
      onRead();
      return entries.get(key);
    },
    all: () => entries,
    keep: (key, parts) => {
      entries.set(key, { ...entries.get(key), ...parts } as Entry);
      onWrite();
      return Promise.resolve();
    },
    forget: (keys) => {
      for (const key of keys) entries.delete(key);
      if (keys.length > 0) onWrite();
      return Promise.resolve();
    },
  };
}

/** The adapter's part, with keys in memory. `done` resolves when so many wishes were carried out and told. */
function start(t: TestContext, { isThere = () => true }: { isThere?: () => boolean } = {}) {
  let writes = 0;
  let told = 0;
  const waiting: { count: number; resolve: () => void }[] = [];
  const reads: (() => void)[] = [];
  const keys = storeOf<DkimKeys>(
    () => writes++,
    () => reads.splice(0).forEach((resolve) => resolve()),
  );
  const nothing = () => undefined;
  const evidence = storeOf<SenderEvidence>(nothing, nothing);
  const records = startRecords({
    resolvers: { servers: ['127.0.0.1:9'], quorum: 1 },
    evidence: () => evidence,
    keys: () => keys,
    isThere,
    onChange: () => {
      // kept before it is told
      assert.ok(writes > told);
      told++;
      for (const { count, resolve } of waiting) if (told >= count) resolve();
    },
    onTrouble: (message) => assert.fail(message),
  });
  t.after(records.close);
  return {
    keys,
    writes: () => writes,
    /** Resolves when somebody looks at what is kept. */
    read: () => new Promise<void>((resolve) => reads.push(resolve)),
    follow: (one: KeysWish) => records.follow(SENDER, { sender: SENDER, lookups: [], wish: one }),
    done: (count: number) =>
      told >= count ? undefined : new Promise<void>((resolve) => waiting.push({ count, resolve })),
  };
}

describe('keys that the plan wishes for', () => {
  test('are made, kept and then told, and made once, however often the same is wished', async (t) => {
    const { keys, follow, done, writes, read } = start(t);
    follow(wish());
    follow(wish());
    await done(1);
    const made = keys.of(SENDER);
    assert.deepEqual(
      made?.generations[0]?.keys.map(({ algorithm }) => algorithm),
      ['rsa-sha256', 'ed25519-sha256'],
    );
    // a plan from before, which does not know of them
    const isRead = read();
    follow(wish());
    await isRead;
    const [generation] = made.generations;
    assert.ok(generation !== undefined);
    follow(wish({ basis: selectorsOf([generation]), kept: [generation], retiring: selectorsOf([generation]) }));
    await done(2);
    const [before, after, ...others] = keys.of(SENDER)?.generations ?? [];
    assert.deepEqual([before?.retiredTime === undefined, after?.retiredTime, others], [false, undefined, []]);
    assert.deepEqual(before?.keys, generation.keys);
    assert.equal(writes(), 2);
  });

  test('are forgotten where none are wanted any more', async (t) => {
    const { keys, follow, done } = start(t);
    const generation = await makeKeys(NOW);
    await keys.keep(SENDER, { domain: 'shop.example', generations: [generation] });
    follow(wish({ basis: selectorsOf([generation]), isNewWanted: false }));
    await done(1);
    assert.equal(keys.of(SENDER), undefined);
  });

  test('leave nothing behind where their sender has gone meanwhile', async (t) => {
    const asked = Promise.withResolvers<undefined>();
    const { keys, follow } = start(t, {
      isThere: () => {
        asked.resolve(undefined);
        return false;
      },
    });
    follow(wish());
    await asked.promise;
    assert.equal(keys.of(SENDER), undefined);
  });
});

describe('new keys', () => {
  test('fit together, have names of their own, and can be kept as JSON', async () => {
    const [one, other] = [await makeKeys(NOW), await makeKeys(NOW)];
    assert.equal(new Set(selectorsOf([one, other])).size, 4);
    for (const { algorithm, privateKey, publicKey } of one.keys) {
      const key = createPrivateKey({ key: Buffer.from(privateKey, 'base64'), format: 'der', type: 'pkcs8' });
      const isRsa = algorithm === 'rsa-sha256';
      const der = isRsa
        ? Buffer.from(publicKey, 'base64')
        : Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), Buffer.from(publicKey, 'base64')]);
      const published = createPublicKey({ key: der, format: 'der', type: 'spki' });
      const digest = isRsa ? 'sha256' : undefined;
      assert.ok(verify(digest, Buffer.from('x'), published, sign(digest, Buffer.from('x'), key)));
    }
    const keys = { domain: 'shop.example', generations: [one] };
    assert.deepEqual(keysSchema.parse(JSON.parse(JSON.stringify(keys))), keys);
  });
});
