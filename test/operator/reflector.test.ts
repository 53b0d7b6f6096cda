import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { createClient } from '../../operator/kubernetes/client/client.ts';
import { startReflector } from '../../operator/kubernetes/client/reflector.ts';
import { SECRETS } from '../../operator/kubernetes/client/resources.ts';
import { describeWithControlPlane } from '../support/control-plane.ts';
import { eventually } from '../support/eventually.ts';
import { adminCredentials } from './support/credentials.ts';
import { startFaultyProxy } from './support/proxy.ts';

describeWithControlPlane('reflector', (cluster) => {
  let namespaces = 0;
  async function newNamespace(): Promise<string> {
    const name = `reflected-${++namespaces}`;
    await cluster().kubectl(['create', 'namespace', name]);
    return name;
  }
  const createSecret = (namespace: string, name: string) =>
    cluster().kubectl(['-n', namespace, 'create', 'secret', 'generic', name, '--from-literal=a=b']);

  function reflect(t: TestContext, namespace: string, options: { url?: string; watchSilenceMs?: number } = {}) {
    const stopping = new AbortController();
    const { url = cluster().url, ...clientOptions } = options;
    const client = createClient(adminCredentials(cluster(), url), clientOptions);
    t.after(() => {
      stopping.abort();
      client.close();
    });
    const changes: string[] = [];
    let relists = 0;
    const reflector = startReflector(client, {
      resource: SECRETS,
      namespace,
      keep: (object) => object.metadata.name,
      onChange: (_, before, after) => changes.push(`${before ?? '-'} ${after ?? '-'}`),
      onTrouble: () => undefined,
      onRelist: () => void relists++,
      signal: stopping.signal,
    });
    const names = () => [...reflector.entries.values()].map((entry) => entry.value).sort();
    return { ...reflector, changes, names, relists: () => relists };
  }

  test('has everything once it has synced, and follows changes without listing again', async (t) => {
    const namespace = await newNamespace();
    await createSecret(namespace, 'one');
    const mirror = reflect(t, namespace);
    await mirror.synced;
    assert.deepEqual(mirror.names(), ['one']);
    await createSecret(namespace, 'two');
    await cluster().kubectl(['-n', namespace, 'delete', 'secret', 'one']);
    await eventually(() => assert.deepEqual(mirror.names(), ['two']));
    assert.equal(mirror.relists(), 1);
  });

  test('reads a list of several pages whole', async (t) => {
    const namespace = await newNamespace();
    const items = Array.from({ length: 1100 }, (_, i) => ({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { namespace, name: `s-${i}` },
    }));
    await cluster().kubectl(['create', '-f', '-'], {
      stdin: JSON.stringify({ apiVersion: 'v1', kind: 'List', items }),
    });
    const mirror = reflect(t, namespace);
    await mirror.synced;
    assert.equal(mirror.entries.size, 1100);
  });

  test('goes on after its connections were reset', async (t) => {
    const namespace = await newNamespace();
    const proxy = await startFaultyProxy(cluster().url);
    t.after(proxy.close);
    const mirror = reflect(t, namespace, { url: proxy.url });
    await mirror.synced;
    proxy.cut();
    await createSecret(namespace, 'after');
    await eventually(() => assert.deepEqual(mirror.names(), ['after']));
  });

  test('notices that a connection carries nothing any more', async (t) => {
    const namespace = await newNamespace();
    const proxy = await startFaultyProxy(cluster().url);
    t.after(proxy.close);
    const mirror = reflect(t, namespace, { url: proxy.url, watchSilenceMs: 500 });
    await mirror.synced;
    proxy.freeze();
    await createSecret(namespace, 'after');
    proxy.thaw();
    await eventually(() => assert.deepEqual(mirror.names(), ['after']));
  });

  test('reports an object that was deleted and made again while it was away as gone and then new', async (t) => {
    const namespace = await newNamespace();
    await createSecret(namespace, 'same-name');
    const proxy = await startFaultyProxy(cluster().url);
    t.after(proxy.close);
    const mirror = reflect(t, namespace, { url: proxy.url, watchSilenceMs: 500 });
    await mirror.synced;
    proxy.freeze();
    await cluster().kubectl(['-n', namespace, 'delete', 'secret', 'same-name']);
    await createSecret(namespace, 'same-name');
    proxy.thaw();
    await eventually(() => assert.deepEqual(mirror.changes, ['- same-name', 'same-name -', '- same-name']));
  });

  test('lists again when the revision that it knows was compacted while the API server was away', async (t) => {
    const namespace = await newNamespace();
    await createSecret(namespace, 'before');
    const mirror = reflect(t, namespace);
    await mirror.synced;
    const proxied = await startFaultyProxy(cluster().url);
    t.after(proxied.close);
    const away = reflect(t, namespace, { url: proxied.url, watchSilenceMs: 500 });
    await away.synced;
    proxied.freeze();
    proxied.cut();
    await cluster().kubectl(['-n', namespace, 'delete', 'secret', 'before']);
    await createSecret(namespace, 'after');
    await cluster().stopApiServer();
    await cluster().startApiServer();
    await createSecret(namespace, 'latest');
    await cluster().compactEtcd();
    await cluster().stopApiServer();
    await cluster().startApiServer();
    proxied.thaw();
    await eventually(() => assert.deepEqual(away.names(), ['after', 'latest']));
    await eventually(() => assert.deepEqual(mirror.names(), ['after', 'latest']));
    assert.ok(away.relists() > 1);
  });
});
