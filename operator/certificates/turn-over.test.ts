/** Years of certificates in a moment: whatever happens, a client that verifies by its Secret is served. */
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { describe, test } from 'node:test';
import { rootCertificates } from 'node:tls';
import { tlsSettingsSchema, type TlsSettings } from '../settings/tls.ts';
import { look, publishedOf, recoveredState } from './look.ts';
import { makeAuthority, makeLeaf } from './make.ts';
import { fingerprintOf } from '../../relay/fingerprint.ts';
import { bundleOf, NOTHING_YET, readState, type State } from './turn-over.ts';

const START = new Date('2026-01-01T00:00:00Z');
const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const NAMES = ['relay.smtp-plus.svc', 'relay-pods.smtp-plus.svc'];

/** A class with a user and a relay, which hear of what changes when the test says so. */
function createWorld(settings: object = {}, roots: readonly string[] = []) {
  const tls: TlsSettings = tlsSettingsSchema.parse(settings);
  let state: State = NOTHING_YET;
  let now = START;
  let running: string | undefined;
  let userHas: string | undefined;
  let isDeaf = false;
  let isStuck = false;
  const seen = { authorities: new Set<string>(), leaves: new Set<string>(), reasons: new Set<string>() };

  async function step(source?: Readonly<Record<string, string>> | 'none'): Promise<void> {
    const facts = {
      now,
      isTold: userHas === bundleOf(state),
      running: running === undefined ? undefined : [fingerprintOf(running)],
    };
    const given = source === undefined ? undefined : { name: 'given', data: source === 'none' ? undefined : source };
    const looked = await look(state, { tls, names: NAMES, source: given, facts, roots });
    // what is kept is text
    state = readState(JSON.parse(JSON.stringify(looked.state))) ?? NOTHING_YET;
    seen.reasons = new Set(looked.troubles.map(({ reason }) => reason));
    // who is killed between two writes does the second one when it is back
    if (!isDeaf) userHas = bundleOf(state);
    verify();
    if (!isStuck) running = state.served?.cert ?? running;
    verify();
    if (running !== undefined) seen.leaves.add(running);
    if (userHas !== undefined) seen.authorities.add(userHas);
  }

  function verify(): void {
    if (running === undefined) return;
    const leaf = new X509Certificate(running);
    const known = (userHas ?? roots.join('')).match(/-----BEGIN[^-]+-----[^-]+-----END[^-]+-----/g) ?? [];
    const isVerified = known.some((pem) => leaf.verify(new X509Certificate(pem).publicKey));
    assert.ok(isVerified, `at ${now.toISOString()} the user has no authority for what the relay serves`);
  }

  return {
    step,
    seen,
    pass: (milliseconds: number) => {
      now = new Date(now.getTime() + milliseconds);
    },
    now: () => now,
    state: () => state,
    lose: () => {
      state = recoveredState(publishedOf(state));
    },
    deafen: (to: boolean) => {
      isDeaf = to;
    },
    /** The relay does not take up what it is given. */
    stick: (to: boolean) => {
      isStuck = to;
    },
    running: () => running ?? '',
    userHas: () => userHas,
  };
}

async function given({ now = START, names = NAMES, days = 90, authority = makeAuthority(now) } = {}) {
  const ca = await authority;
  const leaf = await makeLeaf(ca, { hostnames: names, now, days });
  return { 'tls.crt': leaf.pem, 'tls.key': leaf.key, 'ca.crt': ca.pem };
}

describe('certificates of the operator’s own', () => {
  test('follow each other for ten years, and a client is never refused', async () => {
    const world = createWorld({ authorityDays: 500 });
    for (let day = 0; day < 10 * 365; day += 5) {
      await world.step();
      world.pass(5 * DAY);
      const left = Date.parse(new X509Certificate(world.running()).validTo) - world.now().getTime();
      assert.ok(left > 20 * DAY, `${left / DAY} days are left`);
    }
    assert.ok(world.seen.leaves.size > 50, `${world.seen.leaves.size} certificates`);
    assert.ok(world.seen.authorities.size > 10, `${world.seen.authorities.size} bundles`);
    assert.ok(world.state().trusted.length <= 2);
  });

  test('stay as they are until two thirds of their life have passed', async () => {
    const world = createWorld();
    await world.step();
    const first = world.running();
    world.pass(59 * DAY);
    await world.step();
    assert.equal(world.running(), first);
    world.pass(2 * DAY);
    await world.step();
    assert.notEqual(world.running(), first, 'of an authority that everybody has, it waits for nothing');
    assert.equal(world.state().trusted.length, 1);
  });

  test('of a new authority wait until all users have been told, and for a time after that', async () => {
    const world = createWorld();
    await world.step();
    const first = world.running();
    world.lose();
    world.deafen(true);
    await world.step();
    world.pass(3 * DAY);
    await world.step();
    assert.equal(world.running(), first, 'a user has not been told');
    world.deafen(false);
    await world.step();
    await world.step();
    world.pass(23 * HOUR);
    await world.step();
    assert.equal(world.running(), first, 'the time is not over');
    world.pass(2 * HOUR);
    await world.step();
    assert.notEqual(world.running(), first);
    assert.equal(world.state().trusted.length, 2, 'the old one is still told');
    await world.step();
    world.pass(8 * DAY);
    await world.step();
    assert.equal(world.state().trusted.length, 1);
    assert.equal(world.userHas(), world.state().served?.authorities[0]);
  });

  test('leave their authority with users for as long as a relay uses one of them', async () => {
    const world = createWorld({ announceSeconds: 0 });
    await world.step();
    const first = world.running();
    world.lose();
    world.stick(true);
    for (let day = 0; day < 20; day++) {
      await world.step();
      world.pass(DAY);
    }
    assert.notEqual(world.state().served?.cert, first);
    assert.equal(world.state().trusted.length, 2);
    world.stick(false);
    for (let day = 0; day < 10; day++) {
      await world.step();
      world.pass(DAY);
    }
    assert.equal(world.state().trusted.length, 1);
  });

  test('are used before the end of the one before, even if somebody could not be told', async () => {
    const world = createWorld();
    await world.step();
    const first = world.running();
    world.lose();
    await world.step();
    const { next } = world.state();
    world.pass(90 * DAY - HOUR / 2);
    const looked = await look(world.state(), {
      tls: tlsSettingsSchema.parse({}),
      names: NAMES,
      source: undefined,
      facts: { now: world.now(), isTold: false, running: [fingerprintOf(first)] },
    });
    assert.notEqual(next, undefined);
    assert.notEqual(looked.state.served?.cert, first);
  });

  test('are made anew for another name, and for a key that somebody has damaged', async () => {
    const world = createWorld();
    await world.step();
    const { served, authority } = world.state();
    assert.ok(served !== undefined && authority !== undefined);
    const options = { tls: tlsSettingsSchema.parse({}), source: undefined };
    const facts = { now: START, isTold: true, running: undefined };
    const names = [...NAMES, 'mail.example'];
    const renamed = await look(world.state(), { ...options, names, facts });
    assert.equal(new X509Certificate(renamed.state.served?.cert ?? '').checkHost('mail.example'), 'mail.example');
    const broken = { ...world.state(), authority: { ...authority, key: 'broken' } };
    const mended = await look(broken, { ...options, names: NAMES, facts });
    assert.equal(mended.state.served?.cert, served.cert);
    assert.notEqual(mended.state.authority?.pem, authority.pem);
  });
});

describe('a certificate in a Secret', () => {
  test('of another authority comes into use once users have both, and the old authority goes later', async () => {
    const world = createWorld();
    const [first, second] = [await given(), await given()];
    await world.step(first);
    await world.step(second);
    assert.equal(world.running(), first['tls.crt']);
    assert.equal(world.state().trusted.length, 2);
    await world.step(second);
    world.pass(25 * HOUR);
    await world.step(second);
    assert.equal(world.running(), second['tls.crt']);
    await world.step(second);
    world.pass(8 * DAY);
    await world.step(second);
    assert.equal(world.userHas(), new X509Certificate(second['ca.crt']).toString());
  });

  test('follows one of the operator’s own, and the other way round', async () => {
    const world = createWorld();
    const secret = await given({ days: 800 });
    for (const source of [undefined, secret, undefined]) {
      for (let day = 0; day < 12; day++) {
        await world.step(source);
        world.pass(DAY);
      }
      assert.equal(world.state().trusted.length, 1);
      assert.equal(world.running() === secret['tls.crt'], source !== undefined);
    }
  });

  test('of a public authority has no ca.crt, and neither have users', async () => {
    const root = makeAuthority(START);
    const { 'ca.crt': _, ...secret } = await given({ authority: root });
    const world = createWorld({}, [(await root).pem]);
    await world.step(secret);
    assert.equal(world.running(), secret['tls.crt']);
    assert.equal(world.userHas(), undefined);
    assert.deepEqual([...world.seen.reasons], []);
  });

  test('of a public authority follows one that is not, with both in the Secrets of users meanwhile', async () => {
    const root = makeAuthority(START);
    const { 'ca.crt': _, ...secret } = await given({ authority: root, days: 800 });
    const world = createWorld({}, [(await root).pem]);
    for (const source of [undefined, secret, undefined]) {
      for (let day = 0; day < 12; day++) {
        await world.step(source);
        world.pass(DAY);
      }
      assert.equal(world.running() === secret['tls.crt'], source !== undefined);
      assert.equal(world.userHas() === undefined, source !== undefined);
    }
  });

  test('of an authority that nobody here knows is not taken from clients that verify by another one', async () => {
    const world = createWorld();
    await world.step();
    const first = world.running();
    const { 'ca.crt': _, ...secret } = await given();
    await world.step(secret);
    assert.deepEqual([...world.seen.reasons], ['AuthorityUnknown']);
    world.pass(3 * DAY);
    await world.step(secret);
    assert.equal(world.running(), first);
  });

  test('that clients would refuse is not taken as long as the one before is good, and it is said why', async () => {
    const good = await given();
    const other = await given();
    const slips: readonly (readonly [reason: string, Record<string, string> | 'none'])[] = [
      ['SecretNotFound', 'none'],
      ['CertificateUnreadable', {}],
      ['CertificateUnreadable', { ...good, 'ca.crt': 'nonsense' }],
      ['CertificateUnreadable', { ...good, 'ca.crt': rootCertificates.slice(0, 17).join('\n') }],
      ['CertificateUnreadable', { ...good, 'tls.crt': '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----' }],
      ['KeyMismatch', { ...good, 'tls.key': other['tls.key'] }],
      ['CertificateNotYetValid', await given({ now: new Date(START.getTime() + 10 * DAY) })],
      ['CertificateExpired', await given({ now: new Date(START.getTime() - 100 * DAY) })],
      ['NamesNotCovered', await given({ names: ['elsewhere.example'] })],
      ['AuthorityUnknown', { ...good, 'ca.crt': other['ca.crt'], 'tls.crt': `${good['tls.crt']}\n` }],
    ];
    for (const [reason, source] of slips) {
      const world = createWorld();
      await world.step(good);
      for (let day = 0; day < 3; day++) {
        await world.step(source);
        world.pass(DAY);
      }
      assert.deepEqual([...world.seen.reasons], [reason]);
      assert.equal(world.running(), good['tls.crt'], reason);
    }
  });

  test('that is all there is serves, whatever is wrong with it, and it is said', async () => {
    const world = createWorld();
    const secret = await given({ names: ['elsewhere.example'] });
    await world.step(secret);
    assert.equal(world.running(), secret['tls.crt']);
    assert.deepEqual([...world.seen.reasons], ['NamesNotCovered']);
  });

  test('that nobody renews is told of before it expires', async () => {
    const world = createWorld();
    const secret = await given();
    await world.step(secret);
    assert.deepEqual([...world.seen.reasons], []);
    world.pass(76 * DAY);
    await world.step(secret);
    assert.deepEqual([...world.seen.reasons], ['CertificateExpiring']);
    world.pass(20 * DAY);
    await world.step(secret);
    assert.deepEqual([...world.seen.reasons], ['CertificateExpired']);
  });

  test('that comes with a new authority every hour fills nobody’s Secret', async () => {
    const world = createWorld();
    for (let hour = 0; hour < 40; hour++) {
      await world.step(await given({ now: world.now(), days: 2 }));
      world.pass(HOUR);
    }
    assert.ok(world.state().trusted.length <= 8);
  });
});

describe('a state that was kept', () => {
  test('counts only where nobody has damaged it', async () => {
    const world = createWorld();
    await world.step();
    const state = world.state();
    assert.deepEqual(readState(JSON.parse(JSON.stringify(state))), state);
    const { served } = state;
    for (const damaged of [
      undefined,
      'text',
      { ...state, trusted: [{ pem: 'x' }] },
      { ...state, served: { ...served, key: 'x' } },
      { ...state, served: { cert: served?.cert } },
    ]) {
      assert.equal(readState(damaged), undefined);
    }
  });
});
