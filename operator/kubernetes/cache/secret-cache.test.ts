import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, test } from 'node:test';
import type { KubeClient } from '../client/client.ts';
import { startSecretCache } from './secret-cache.ts';

describe('the cache of Secrets', () => {
  /** An API server with the Secrets of namespace `shop` by name; its watches stay open and silent. */
  function serve(versions: Map<string, number>) {
    const watched: string[] = [];
    const nameIn = (path: string): string =>
      /metadata\.name=(.*)/.exec(new URL(path, 'https://server').searchParams.get('fieldSelector') ?? '')?.[1] ?? '';
    const client: KubeClient = {
      // it is asked for lists only
      request: (async ({ path }: { path: string }) => {
        const name = nameIn(path);
        const resourceVersion = String(versions.get(name) ?? 0);
        const metadata = { namespace: 'shop', name, uid: name, resourceVersion, creationTimestamp: '' };
        const items = versions.has(name) ? [{ metadata }] : [];
        return { ok: true, status: 200, body: { metadata: { resourceVersion }, items } };
      }) as KubeClient['request'],
      watch: async function* (path, { signal }) {
        watched.push(nameIn(path));
        await once(signal, 'abort');
        yield { type: 'ERROR', object: {} };
      },
      close: () => undefined,
    };
    return { client, watched };
  }

  test('watches Secrets up to its bound, and polls those beyond', async (t) => {
    const versions = new Map([
      ['first', 1],
      ['second', 1],
    ]);
    const { client, watched } = serve(versions);
    const stop = new AbortController();
    t.after(() => stop.abort());
    let onChange: (key: string) => void = () => undefined;
    const cache = startSecretCache(client, {
      namespaces: [undefined],
      saltFor: () => Buffer.alloc(16),
      onChange: (key) => onChange(key),
      onUnlabelled: assert.fail,
      onTrouble: assert.fail,
      signal: stop.signal,
      watchesMax: 1,
      pollMs: 1,
    });
    await cache.follow('shop/first');
    await cache.follow('shop/second');
    const changed = new Promise<string>((resolve) => {
      onChange = resolve;
    });
    versions.set('second', 2);
    assert.equal(await changed, 'shop/second');
    assert.equal(cache.get('shop/second')?.resourceVersion, '2');
    assert.deepEqual(
      watched.filter((name) => name !== ''),
      ['first'],
    );
  });
});
