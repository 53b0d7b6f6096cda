import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import { until } from '../../../test/support/eventually.ts';
import type { KubeClient, WatchEvent } from './client.ts';
import { startReflector } from './reflector.ts';
import { PODS, type KubeObject } from './resources.ts';

const pod = (name: string, resourceVersion: string, uid = `uid of ${name}`): KubeObject => ({
  metadata: { namespace: 'shop', name, uid, resourceVersion, creationTimestamp: '' },
});

/** An API server that answers lists from what it has, and sends watch events as it is told. */
function serve(items: KubeObject[], version: string) {
  const server = { items, version, events: [] as WatchEvent[], beforeList: async (): Promise<void> => undefined };
  const client = {
    request: async () => {
      const body = { metadata: { resourceVersion: server.version }, items: server.items };
      await server.beforeList();
      return { ok: true, status: 200, body };
    },
    watch: async function* (_: string, { signal }: { signal: AbortSignal }) {
      while (!signal.aborted) {
        const event = server.events.shift();
        if (event !== undefined) yield event;
        else await new Promise((resolve) => setTimeout(resolve, 5));
      }
    },
    close: () => undefined,
  } as unknown as KubeClient;
  const gone = (): void => void server.events.push({ type: 'ERROR', object: { code: 410 } });
  return { server, client, gone };
}

describe('reflector', () => {
  function reflect(t: TestContext, client: KubeClient) {
    const stopping = new AbortController();
    t.after(() => stopping.abort());
    const changes: string[] = [];
    const troubles: string[] = [];
    const mirror = startReflector(client, {
      resource: PODS,
      keep: ({ metadata }) => metadata.resourceVersion,
      onChange: (key, before, after) => void changes.push(`${key} ${before ?? '-'} ${after ?? '-'}`),
      onTrouble: (message) => void troubles.push(message),
      signal: stopping.signal,
    });
    return { ...mirror, changes, troubles, version: (name: string) => mirror.entries.get(`shop/${name}`)?.value };
  }

  test('takes over a list whose versions are lower, as after a backup of etcd was restored', async (t) => {
    const { server, client, gone } = serve([pod('a', '50'), pod('b', '60')], '100');
    const mirror = reflect(t, client);
    await mirror.synced;
    Object.assign(server, { items: [pod('a', '20'), pod('b', '60')], version: '70' });
    gone();
    await until(() => mirror.version('a') === '20' || undefined);
    // the same version of another past may be something else
    assert.ok(mirror.changes.includes('shop/b 60 60'), mirror.changes.join());
  });

  test('comes back without a word to a server that asks for it, and says so when it asks for ever', async (t) => {
    const { server, client } = serve([pod('a', '50')], '100');
    const mirror = reflect(t, client);
    await mirror.synced;
    const later = { type: 'ERROR', object: { code: 429, message: 'storage is (re)initializing' } } as const;
    server.events.push(later, later, { type: 'MODIFIED', object: pod('a', '110') });
    await until(() => mirror.version('a') === '110' || undefined);
    assert.deepEqual(mirror.troubles, []);
    server.events.push(...Array.from({ length: 6 }, () => later), { type: 'MODIFIED', object: pod('a', '120') });
    await until(() => mirror.version('a') === '120' || undefined);
    assert.match(mirror.troubles[0] ?? '', /^pods cannot be watched any further: 429 storage/);
  });

  test('notices by a watch that the server went back, though nobody ends it', async (t) => {
    const { server, client } = serve([pod('a', '50')], '100');
    const mirror = reflect(t, client);
    await mirror.synced;
    Object.assign(server, { items: [pod('a', '20')], version: '70' });
    server.events.push({ type: 'BOOKMARK', object: pod('', '71') });
    await until(() => mirror.version('a') === '20' || undefined);
  });

  test('keeps what a write of ours has made over an older event, and over a list from before it', async (t) => {
    const { server, client, gone } = serve([pod('a', '50')], '100');
    const mirror = reflect(t, client);
    await mirror.synced;
    mirror.observe(pod('a', '120'));
    server.events.push({ type: 'MODIFIED', object: pod('a', '110') }, { type: 'BOOKMARK', object: pod('', '111') });
    await until(() => server.events.length === 0 || undefined);
    assert.equal(mirror.version('a'), '120');
    let relists = 0;
    server.items = [pod('a', '110')];
    server.version = '115';
    server.beforeList = async () => {
      relists += 1;
      mirror.observe(pod('a', '130'));
      mirror.observe(pod('made', '131'));
    };
    gone();
    await until(() => relists > 0 || undefined);
    server.events.push({ type: 'ADDED', object: pod('other', '140') });
    await until(() => mirror.version('other'));
    assert.equal(mirror.version('a'), '130');
    assert.equal(mirror.version('made'), '131');
  });

  test('of one version believes the answer to a write rather than the watch', async (t) => {
    const { server, client } = serve([], '100');
    const mirror = reflect(t, client);
    await mirror.synced;
    server.events.push({ type: 'ADDED', object: pod('a', '110') });
    await until(() => mirror.version('a'));
    mirror.changes.length = 0;
    mirror.observe(pod('a', '110'));
    assert.deepEqual(mirror.changes, ['shop/a 110 110']);
  });
});
