import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { senderSpec } from '../../api/sender.ts';
import type { DnsEvidence } from '../model.ts';
import { formatTime } from '../time.ts';
import type { DkimGeneration, DkimKeys } from './dkim-model.ts';
import { selectorsOf } from './dkim-keys.ts';
import { judgeSigning, type SigningVerdict } from './dkim.ts';

const HOUR_MS = 3_600_000;

/** A sender, what is known of it, and an adapter that does what the plan wishes, at a time that only moves by hand. */
function start({ interval, sender = '@shop.example' }: { interval?: string; sender?: string } = {}) {
  const meta = { namespace: 'shop', name: 'shop', uid: 'u', generation: 1, labels: {}, annotations: {} };
  const world = {
    now: new Date('2026-01-01T00:00:00Z'),
    signing: 'Enabled' as 'Enabled' | 'Disabled',
    isVerified: true,
    isLookedUp: true,
    keys: undefined as DkimKeys | undefined,
    evidence: {} as Record<string, DnsEvidence>,
    withoutKeys: [] as string[],
    made: 0,
  };

  function judge(): SigningVerdict | undefined {
    const dkim = { signing: world.signing, ...(interval !== undefined && { interval }) };
    const spec = senderSpec.parse({ domain: 'shop.example', dkim });
    return judgeSigning({ ...world, meta, sender, spec });
  }

  /** Carries out what is wished, until nothing is. */
  function settle(): SigningVerdict | undefined {
    for (let i = 0; i < 5; i++) {
      const verdict = judge();
      const wish = verdict?.plan.wish;
      if (wish === undefined) return verdict;
      const retired = wish.kept.map((one) =>
        selectorsOf([one]).some((selector) => wish.retiring.includes(selector))
          ? { ...one, retiredTime: formatTime(world.now) }
          : one,
      );
      const generations = [...retired, ...(wish.isNewWanted ? [make()] : [])];
      world.keys = generations.length === 0 ? undefined : { domain: wish.domain, generations };
    }
    throw new Error('it never comes to rest');
  }

  function make(): DkimGeneration {
    world.made++;
    return {
      createdTime: formatTime(world.now),
      keys: (['rsa', 'ed25519'] as const).map((name) => ({
        algorithm: `${name}-sha256` as const,
        selector: `${name}${world.made}`,
        privateKey: `private${world.made}`,
        publicKey: `public${world.made}`,
      })),
    };
  }

  function see(selector: string, outcome: DnsEvidence['outcome'] = 'found'): void {
    const time = formatTime(world.now);
    const before = world.evidence[selector];
    const foundTime = outcome === 'found' ? time : before?.foundTime;
    world.evidence[selector] = {
      recordName: `${selector}._domainkey.shop.example`,
      recordValue: 'v',
      time,
      outcome,
      detail: 'gone',
      attempts: 1,
      since: time,
      jitter: 0.5,
      foundTime,
    };
  }

  return {
    world,
    judge,
    settle,
    see,
    wait: (hours: number) => (world.now = new Date(world.now.getTime() + hours * HOUR_MS)),
    /** Selectors that sign. */
    signing: () => settle()?.signer?.keys.map(({ selector }) => selector) ?? [],
    /** Selectors of the records that are to be in the DNS. */
    published: () => settle()?.records.map(({ name }) => name.split('.')[0]) ?? [],
  };
}

describe('keys of a domain', () => {
  test('are made, published, and sign once they are seen in the DNS, each by itself', () => {
    const { signing, published, see, settle } = start();
    assert.deepEqual([signing(), published()], [[], ['rsa1', 'ed255191']]);
    assert.equal(settle()?.judgement?.reason, 'KeyRecordsNotFound');
    see('rsa1', 'absent');
    see('ed255191', 'failed');
    assert.deepEqual(signing(), []);
    see('rsa1');
    assert.deepEqual(signing(), ['rsa1']);
    see('ed255191');
    assert.deepEqual(signing(), ['rsa1', 'ed255191']);
    assert.equal(settle()?.judgement?.status, 'True');
  });

  test('stay planned for relays that have no room for them, which is said', () => {
    const { world, signing, see, settle } = start();
    settle();
    see('rsa1');
    world.withoutKeys.push('bulk');
    const { judgement } = settle() ?? {};
    assert.equal(`${judgement?.status} ${judgement?.reason}`, 'False NotWritten');
    assert.match(judgement?.message ?? '', /relays of class bulk send mail unsigned: .* no longer used/);
    assert.deepEqual(signing(), ['rsa1'], 'there may be room again');
    world.withoutKeys.pop();
    assert.equal(settle()?.judgement?.status, 'True');
  });

  test('go on signing while their records cannot be looked up, or are gone, and not once they hold another value', () => {
    const { signing, see, settle } = start();
    settle();
    see('rsa1');
    see('rsa1', 'failed');
    assert.deepEqual(signing(), ['rsa1']);
    see('rsa1', 'absent');
    assert.deepEqual(signing(), ['rsa1']);
    assert.equal(settle()?.records[0]?.state, 'Missing');
    see('rsa1', 'mismatch');
    assert.deepEqual(signing(), []);
  });

  test('stay for good where no interval is set', () => {
    const { wait, see, settle, published } = start();
    settle();
    see('rsa1');
    wait(24 * 3650);
    assert.deepEqual(published(), ['rsa1', 'ed255191']);
  });

  test('are replaced after the interval: the next ones are published, sign once seen, and the old ones stay for seven days', () => {
    const { wait, see, settle, signing, published } = start({ interval: '720h' });
    settle();
    see('rsa1');
    see('ed255191');
    const until = settle()?.until;
    assert.equal(until?.toISOString(), '2026-01-31T00:00:00.000Z');
    wait(719);
    assert.deepEqual(published(), ['rsa1', 'ed255191']);
    wait(1);
    assert.deepEqual(published(), ['rsa1', 'ed255191', 'rsa2', 'ed255192']);
    assert.deepEqual(signing(), ['rsa1', 'ed255191']);
    // nobody publishes them for a year: all stays as it is
    wait(8760);
    assert.deepEqual(published(), ['rsa1', 'ed255191', 'rsa2', 'ed255192']);
    see('ed255192');
    assert.deepEqual(signing(), ['rsa1', 'ed255191'], 'not every receiver knows Ed25519');
    assert.equal(settle()?.judgement?.reason, 'NextKeysAwaited');
    assert.match(settle()?.judgement?.message ?? '', /TXT rsa2\._domainkey\.shop\.example, /);
    see('rsa2');
    assert.deepEqual(signing(), ['rsa2', 'ed255192']);
    assert.equal(settle()?.judgement?.reason, 'Signed');
    wait(7 * 24 - 1);
    assert.deepEqual(published(), ['rsa1', 'ed255191', 'rsa2', 'ed255192']);
    assert.match(settle()?.records[0]?.message ?? '', /^Keep it until 2027-02-07T00:00:00Z/);
    wait(1);
    // by then the next ones are due, since these have waited for a year
    assert.deepEqual(published(), ['rsa2', 'ed255192', 'rsa3', 'ed255193']);
  });

  test('that are lost are made anew, and mail goes out unsigned until those are seen', () => {
    const { world, see, settle, signing } = start();
    settle();
    see('rsa1');
    assert.deepEqual(signing(), ['rsa1']);
    world.keys = undefined;
    assert.deepEqual(signing(), []);
    assert.match(settle()?.judgement?.message ?? '', /unsigned until .* rsa2\._domainkey\.shop\.example/);
    see('rsa2');
    assert.deepEqual(signing(), ['rsa2']);
  });

  test('of another domain under the same name count for nothing', () => {
    const { world, see, settle, published } = start();
    settle();
    see('rsa1');
    world.keys = { domain: 'else.example', generations: world.keys?.generations ?? [] };
    assert.deepEqual(published(), ['rsa2', 'ed255192']);
  });

  test('stay published for seven days when signing is switched off, and others are made when it is switched on again', () => {
    const { world, see, settle, signing, published, wait } = start();
    settle();
    see('rsa1');
    world.signing = 'Disabled';
    assert.deepEqual([signing(), published()], [[], ['rsa1', 'ed255191']]);
    world.signing = 'Enabled';
    assert.deepEqual([signing(), published()], [[], ['rsa1', 'ed255191', 'rsa2', 'ed255192']]);
    for (let i = 0; i < 10; i++) {
      world.signing = 'Disabled';
      settle();
      world.signing = 'Enabled';
      settle();
    }
    assert.equal(world.keys?.generations.length, 2);
    world.signing = 'Disabled';
    settle();
    wait(7 * 24);
    assert.equal(settle(), undefined);
    assert.equal(world.keys, undefined);
  });

  test('sign nothing while their sender is not verified, and wait for it', () => {
    const { world, see, settle, signing, published } = start();
    settle();
    see('rsa1');
    world.isVerified = false;
    assert.deepEqual([signing(), published()], [[], ['rsa1', 'ed255191']]);
    assert.equal(settle()?.judgement?.reason, 'NotSigned');
    world.isVerified = true;
    assert.deepEqual(signing(), ['rsa1']);
  });

  test('are made for nobody who is not verified, for no address, and not where there are no look-ups', () => {
    for (const obstacle of ['isVerified', 'isLookedUp'] as const) {
      const { world, settle } = start();
      world[obstacle] = false;
      assert.equal(settle()?.judgement?.reason, 'NotSigned');
      assert.equal(world.made, 0);
    }
    const { world, settle } = start({ sender: 'orders@shop.example' });
    assert.match(settle()?.judgement?.message ?? '', /keys of its domain/);
    assert.equal(world.made, 0);
  });

  test('leave nothing private in what is said about them', () => {
    const { see, settle } = start();
    settle();
    see('rsa1');
    const { judgement, records } = settle() ?? {};
    assert.ok(!JSON.stringify([judgement, records]).includes('private'));
  });

  test('come to the same end wherever the process that keeps them is killed', () => {
    // before it keeps them nothing has happened; after it, the next one finds them
    const { world, judge, settle, see } = start({ interval: '720h' });
    const first = judge()?.plan.wish;
    assert.deepEqual(judge()?.plan.wish, first);
    settle();
    const after = judge();
    assert.equal(after?.plan.wish, undefined);
    see('rsa1');
    world.now = new Date(world.now.getTime() + 721 * HOUR_MS);
    const rotation = judge()?.plan.wish;
    assert.deepEqual(rotation?.basis, ['rsa1', 'ed255191']);
    settle();
    see('rsa2');
    assert.deepEqual(judge()?.plan.wish?.retiring, ['rsa1', 'ed255191']);
    // it signs with the new ones at once, whether or not it is written down that the old ones are retired
    assert.deepEqual(
      judge()?.signer?.keys.map(({ selector }) => selector),
      ['rsa2'],
    );
    settle();
    assert.equal(judge()?.plan.wish, undefined);
  });
});
