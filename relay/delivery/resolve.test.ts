import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createResolver, type SystemLookup } from './resolve.ts';

const never = new AbortController().signal;

/** Look-ups that a test answers, in the order in which they began. */
function answering() {
  const begun: string[] = [];
  const answers = new Map<string, PromiseWithResolvers<readonly { readonly address: string }[]>>();
  const lookup: SystemLookup = (name) => {
    begun.push(name);
    const answer = Promise.withResolvers<readonly { readonly address: string }[]>();
    answers.set(name, answer);
    return answer.promise;
  };
  let time = 0;
  return {
    begun,
    lookup,
    now: () => time,
    wait: (ms: number) => (time += ms),
    answer: (name: string, ...addresses: string[]) =>
      answers.get(name)?.resolve(addresses.map((address) => ({ address }))),
    fail: (name: string, message: string) => answers.get(name)?.reject(new Error(message)),
  };
}

describe('finding the addresses of a smart host', () => {
  test('keeps the order in which the system names them', async () => {
    const system = answering();
    const resolve = createResolver(system);
    const found = resolve('mail.example', never);
    system.answer('mail.example', '2001:db8::1', '192.0.2.1');
    assert.deepEqual(await found, ['2001:db8::1', '192.0.2.1']);
  });

  test('asks nobody about an address', async () => {
    const system = answering();
    const resolve = createResolver(system);
    assert.deepEqual(await resolve('192.0.2.1', never), ['192.0.2.1']);
    assert.deepEqual(await resolve('2001:db8::1', never), ['2001:db8::1']);
    assert.deepEqual(system.begun, []);
  });

  test('asks anew each time, so that a moved name is followed', async () => {
    const system = answering();
    const resolve = createResolver(system);
    for (const address of ['192.0.2.1', '192.0.2.2']) {
      const found = resolve('mail.example', never);
      system.answer('mail.example', address);
      assert.deepEqual(await found, [address]);
    }
  });

  test('asks once for all who want the same name at the same time', async () => {
    const system = answering();
    const resolve = createResolver(system);
    const found = [resolve('mail.example', never), resolve('mail.example', never)];
    system.answer('mail.example', '192.0.2.1');
    assert.deepEqual(await Promise.all(found), [['192.0.2.1'], ['192.0.2.1']]);
    assert.deepEqual(system.begun, ['mail.example']);
  });

  test('passes on why there is none, and asks again the next time', async () => {
    const system = answering();
    const resolve = createResolver(system);
    const found = resolve('mail.example', never);
    system.fail('mail.example', 'getaddrinfo ENOTFOUND mail.example');
    await assert.rejects(found, /ENOTFOUND/);
    void resolve('mail.example', never);
    assert.equal(system.begun.length, 2);
  });

  test('keeps to a number of names at once, and goes on when one is answered', async () => {
    const system = answering();
    const resolve = createResolver({ ...system, atOnce: 2 });
    const first = resolve('a.example', never);
    for (const name of ['b.example', 'c.example']) void resolve(name, never);
    assert.deepEqual(system.begun, ['a.example', 'b.example']);
    system.answer('a.example', '192.0.2.1');
    await first;
    await new Promise(setImmediate);
    assert.deepEqual(system.begun, ['a.example', 'b.example', 'c.example']);
  });

  test('lets whoever waits give up, and never begins what nobody waits for', async () => {
    const system = answering();
    const resolve = createResolver({ ...system, atOnce: 1 });
    const ending = new AbortController();
    const hanging = resolve('hanging.example', ending.signal);
    const queued = resolve('queued.example', ending.signal);
    const other = resolve('other.example', never);
    ending.abort(new Error('timed out'));
    await assert.rejects(hanging, /timed out/);
    await assert.rejects(queued, /timed out/);
    system.answer('hanging.example', '192.0.2.1');
    await new Promise(setImmediate);
    system.answer('other.example', '192.0.2.2');
    assert.deepEqual(await other, ['192.0.2.2']);
    assert.deepEqual(system.begun, ['hanging.example', 'other.example']);
  });

  test('a hanging name that is wanted again waits for the look-up under way, not for a second one', async () => {
    const system = answering();
    const resolve = createResolver(system);
    const ending = new AbortController();
    const hanging = resolve('hanging.example', ending.signal);
    ending.abort(new Error('timed out'));
    await assert.rejects(hanging);
    const again = resolve('hanging.example', never);
    system.answer('hanging.example', '192.0.2.1');
    assert.deepEqual(await again, ['192.0.2.1']);
    assert.deepEqual(system.begun, ['hanging.example']);
  });

  test('names that were slow the last time leave a place for all others', async () => {
    const system = answering();
    const resolve = createResolver({ ...system, atOnce: 2 });
    const slow = ['slow1.example', 'slow2.example'];
    const found = slow.map((name) => resolve(name, never));
    system.wait(5000);
    for (const name of slow) system.answer(name, '192.0.2.1');
    await Promise.all(found);
    for (const name of slow) void resolve(name, never);
    const quick = resolve('quick.example', never);
    system.answer('quick.example', '192.0.2.2');
    assert.deepEqual(await quick, ['192.0.2.2']);
    assert.deepEqual(system.begun.slice(2), ['slow1.example', 'quick.example']);
    system.answer('slow1.example', '192.0.2.1');
    await new Promise(setImmediate);
    assert.equal(system.begun.at(-1), 'slow2.example');
  });

  test('bounds how many addresses a name has', async () => {
    const system = answering();
    const resolve = createResolver(system);
    const found = resolve('many.example', never);
    system.answer('many.example', ...Array.from({ length: 5000 }, (_, i) => `192.0.2.${i % 255}`));
    assert.equal((await found).length, 16);
  });
});
