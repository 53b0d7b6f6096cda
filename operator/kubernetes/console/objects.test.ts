import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setImmediate as immediate } from 'node:timers/promises';
import type { ApiAnswer } from '../client/answers.ts';
import type { KubeClient } from '../client/client.ts';
import { createReadObjects } from './objects.ts';
import { NoTurnError } from '../../console/turns.ts';

/** An API server with so many objects in each namespace, all of them with large annotations. */
function played(count: number) {
  const requests: URL[] = [];
  let running = 0;
  let most = 0;
  const client: KubeClient = {
    request: async <T>({ path }: { path: string }) => {
      const url = new URL(path, 'https://api.example');
      requests.push(url);
      most = Math.max(most, ++running);
      await immediate();
      running -= 1;
      const from = Number(url.searchParams.get('continue') ?? 0);
      const to = Math.min(count, from + Number(url.searchParams.get('limit')));
      const items = Array.from({ length: to - from }, (_, index) => ({
        metadata: { namespace: 'shop', name: `app-${from + index}`, annotations: { large: 'x'.repeat(1000) } },
        spec: { relayClassName: 'bulk', upstream: { host: 'smart.example', helo: 'large' }, description: 'large' },
        status: { username: 'app' },
      }));
      const body = { items, metadata: to < count ? { continue: String(to) } : {} };
      return { ok: true, status: 200, body } as ApiAnswer<T>;
    },
    watch: () => assert.fail(),
    lines: () => assert.fail(),
    close: () => undefined,
  };
  return { client, requests, most: () => most };
}

describe('objects for the console', () => {
  test('are read fifty at a time up to those of a page, and nothing but what is shown is kept', async () => {
    const { client, requests } = played(620);
    const { objects, isCut } = await createReadObjects(client)('SmtpPlusList', ['shop']);
    assert.equal(objects.length, 500);
    assert.ok(isCut);
    assert.deepEqual(
      requests.map((url) => url.searchParams.get('limit')),
      Array.from({ length: 10 }, () => '50'),
    );
    assert.deepEqual(objects[499], {
      namespace: 'shop',
      name: 'app-499',
      spec: { relayClassName: 'bulk', upstream: { host: 'smart.example' } },
      status: { username: 'app' },
    });
  });

  test('are cut where namespaces together hold more, and not where they hold as many as fit', async () => {
    const read = createReadObjects(played(250).client);
    const two = await read('SmtpPlusUser', ['shop', 'blog']);
    assert.deepEqual([two.objects.length, two.isCut], [500, false]);
    const three = await read('SmtpPlusUser', ['shop', 'blog', 'more']);
    assert.deepEqual([three.objects.length, three.isCut], [500, true]);
  });

  test('are read once for all who look at the same namespace at that moment', async () => {
    const { client, requests } = played(3);
    const read = createReadObjects(client);
    await Promise.all(Array.from({ length: 100 }, () => read('SmtpPlusUser', ['shop'])));
    await read('SmtpPlusUser', ['shop', 'blog']);
    assert.deepEqual(
      requests.map(({ pathname }) => /namespaces\/([a-z]+)/.exec(pathname)?.[1]),
      ['shop', 'blog'],
    );
  });

  test('are read two lists at a time, and whoever comes when many wait is refused', async () => {
    const { client, most } = played(3);
    const read = createReadObjects(client);
    const tries = await Promise.allSettled(
      Array.from({ length: 100 }, (_, index) => read('SmtpPlusUser', [`shop-${index}`])),
    );
    assert.equal(most(), 2);
    const refused = tries.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []));
    assert.equal(refused.length, 100 - 2 - 60);
    assert.ok(refused.every((reason) => reason instanceof NoTurnError));
    assert.equal((await read('SmtpPlusUser', ['shop-99'])).objects.length, 3);
  });
});
