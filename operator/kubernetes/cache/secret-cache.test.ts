import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import { until } from '../../../test/support/eventually.ts';
import type { KubeClient, WatchEvent } from '../client/client.ts';
import type { KubeObject } from '../client/resources.ts';
import { startSecretCache } from './secret-cache.ts';

const OURS = { 'app.kubernetes.io/managed-by': 'smtp-plus' };
const OWNER = {
  apiVersion: 'smtpplus.io/v1alpha1',
  kind: 'SmtpPlusUser',
  name: 'u',
  uid: 'uid of u',
  controller: true,
};

/** As a real one does it: a list of nothing is null. */
function metadataOf(objects: readonly KubeObject[]): readonly KubeObject[] | null {
  return objects.length === 0 ? null : objects.map(({ metadata }) => ({ metadata }));
}

/** An API server with Secrets. Its watches select by label as the real one does, and stay open. */
function serve() {
  const secrets = new Map<string, KubeObject>();
  const watches = new Set<{ isOwn: boolean; send: (event: WatchEvent) => void }>();
  const reads: string[] = [];
  const bodies: string[] = [];
  let version = 0;
  let refusal: number | undefined;
  const isOwn = (object: KubeObject | undefined): boolean =>
    object?.metadata.labels?.['app.kubernetes.io/managed-by'] === 'smtp-plus';
  const selects = (path: string): boolean =>
    new URL(path, 'https://server').searchParams.get('labelSelector') === 'app.kubernetes.io/managed-by=smtp-plus';

  function change(key: string, after: KubeObject | undefined): void {
    const before = secrets.get(key);
    if (after === undefined) secrets.delete(key);
    else secrets.set(key, after);
    for (const watch of watches) {
      const was = before !== undefined && isOwn(before) === watch.isOwn;
      const is = after !== undefined && isOwn(after) === watch.isOwn;
      const object = { metadata: { ...(after ?? before)?.metadata, resourceVersion: String(version) } };
      if (is) watch.send({ type: was ? 'MODIFIED' : 'ADDED', object: watch.isOwn ? after : object });
      else if (was) watch.send({ type: 'DELETED', object });
    }
  }
  const client: KubeClient = {
    request: (async ({ path, as }: { path: string; as?: string }) => {
      const [, namespace, name] = /namespaces\/([^/]+)\/secrets\/([^?]+)$/.exec(path) ?? [];
      if (name !== undefined) {
        reads.push(`${namespace}/${name}`);
        if (refusal !== undefined) return { ok: false, status: refusal, reason: 'Forbidden', message: 'no rights' };
        const found = secrets.get(`${namespace}/${name}`);
        return found ? { ok: true, status: 200, body: found } : { ok: false, status: 404, reason: '', message: '' };
      }
      const all = [...secrets.values()].filter((one) => isOwn(one) === selects(path));
      const items = as === undefined ? all : metadataOf(all);
      bodies.push(JSON.stringify(items));
      return { ok: true, status: 200, body: { metadata: { resourceVersion: String(version) }, items } };
    }) as KubeClient['request'],
    watch: async function* (path, { signal }) {
      const events: WatchEvent[] = [];
      let wake = Promise.withResolvers<void>();
      const watch = {
        isOwn: selects(path),
        send: (event: WatchEvent) => {
          events.push(event);
          wake.resolve();
        },
      };
      watches.add(watch);
      signal.addEventListener('abort', () => wake.resolve());
      while (!signal.aborted) {
        for (let event = events.shift(); event !== undefined; event = events.shift()) yield event;
        wake = Promise.withResolvers<void>();
        await wake.promise;
      }
    },
    lines: async function* () {},
    close: () => undefined,
  };
  return {
    client,
    reads,
    bodies,
    set: (key: string, parts: { value?: string; labels?: Record<string, string>; owned?: boolean } = {}) => {
      const [namespace = '', name = ''] = key.split('/');
      const resourceVersion = String(++version);
      const owner = parts.owned === true ? { ownerReferences: [OWNER] } : {};
      const metadata = { namespace, name, uid: name, resourceVersion, creationTimestamp: '', ...owner };
      const data = { password: Buffer.from(parts.value ?? 'secret').toString('base64') };
      const object: KubeObject & { data: object } = { metadata: { ...metadata, labels: parts.labels ?? {} }, data };
      change(key, object);
    },
    delete: (key: string) => {
      version += 1;
      change(key, undefined);
    },
    refuse: (status: number | undefined) => {
      refusal = status;
    },
  };
}

describe('the cache of Secrets', () => {
  async function start(t: TestContext, server: ReturnType<typeof serve>) {
    const stop = new AbortController();
    t.after(() => stop.abort());
    const changes: string[] = [];
    const troubles: string[] = [];
    const cache = startSecretCache(server.client, {
      namespaces: [undefined],
      onChange: (key) => void changes.push(`${key} ${cache.get(key)?.view.data['password'] ?? 'gone'}`),
      onTrouble: (message) => void troubles.push(message),
      signal: stop.signal,
    });
    await cache.synced();
    return { ...cache, changes, troubles };
  }
  const valueOf = (cache: Awaited<ReturnType<typeof start>>, key: string) => cache.get(key)?.view.data['password'];

  test('reads no Secret of other people that nobody names, and keeps nothing of it', async (t) => {
    const server = serve();
    server.set('shop/theirs', { value: 'private' });
    const cache = await start(t, server);
    server.set('shop/theirs', { value: 'changed' });
    server.set('shop/marker', { labels: OURS });
    await until(() => cache.get('shop/marker'));
    assert.deepEqual([...cache.keys()], ['shop/marker']);
    assert.deepEqual(server.reads, []);
    assert.doesNotMatch(server.bodies.join(), /"data"/);
  });

  test('reads one that is followed at once, and again when it is changed, deleted or made anew', async (t) => {
    const server = serve();
    server.set('shop/one', { value: 'first' });
    const cache = await start(t, server);
    await cache.follow('shop/one');
    assert.equal(valueOf(cache, 'shop/one'), 'first');
    server.set('shop/one', { value: 'second' });
    await until(() => valueOf(cache, 'shop/one') === 'second' || undefined);
    server.delete('shop/one');
    await until(() => cache.get('shop/one') === undefined || undefined);
    server.set('shop/one', { value: 'third' });
    await until(() => valueOf(cache, 'shop/one') === 'third' || undefined);
    assert.deepEqual(
      cache.changes,
      ['first', 'second', 'gone', 'third'].map((value) => `shop/one ${value}`),
    );
  });

  test('reads one that is expected when it is heard of, and forgets it with its last reader', async (t) => {
    const server = serve();
    const cache = await start(t, server);
    cache.expect('shop/wanted');
    assert.deepEqual(server.reads, []);
    server.set('shop/wanted');
    await until(() => cache.get('shop/wanted'));
    cache.unfollow('shop/wanted');
    assert.deepEqual([...cache.keys()], []);
  });

  test('a Secret that loses our label is never gone in between', async (t) => {
    const server = serve();
    server.set('shop/ours', { labels: OURS, value: 'first', owned: true });
    const cache = await start(t, server);
    server.set('shop/ours', { value: 'without label', owned: true });
    await until(() => valueOf(cache, 'shop/ours') === 'without label' || undefined);
    server.set('shop/ours', { labels: OURS, value: 'with label', owned: true });
    await until(() => valueOf(cache, 'shop/ours') === 'with label' || undefined);
    assert.ok(!cache.changes.includes('shop/ours gone'), cache.changes.join());
    server.delete('shop/ours');
    await until(() => cache.changes.includes('shop/ours gone') || undefined);
    assert.deepEqual([...cache.keys()], []);
  });

  test('what cannot be read stays as it was, is said, and is read as soon as it can be', async (t) => {
    const server = serve();
    server.set('shop/one', { value: 'first' });
    const cache = await start(t, server);
    await cache.follow('shop/one');
    server.refuse(403);
    server.set('shop/one', { value: 'second' });
    await until(() => cache.troubles.length > 1 || undefined);
    assert.match(cache.troubles[0] ?? '', /^Secret shop\/one cannot be read, .*: 403 no rights$/);
    assert.equal(valueOf(cache, 'shop/one'), 'first');
    server.refuse(undefined);
    await until(() => valueOf(cache, 'shop/one') === 'second' || undefined);
  });
});
