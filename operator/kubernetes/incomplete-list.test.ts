/** An API server (or what stands in front of it) that leaves objects out of a list: nothing is taken for gone by that. */
import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import { until } from '../../test/support/eventually.ts';
import type { Caches } from './cache/caches.ts';
import type { KubeClient } from './client/client.ts';
import { startCrdFit } from './write/crd-fit.ts';
import { createContested } from './write/contested.ts';
import { createOwnStatus } from './write/status.ts';
import { writeObject, type WriteOutcome } from './write/object.ts';
import { AnswerTooLargeError } from './client/exchange.ts';
import { startReflector } from './client/reflector.ts';
import { USERS, type KubeObject } from './client/resources.ts';
import { viewObject, viewSecret } from './cache/views.ts';

const user = (name: string): KubeObject => ({
  metadata: { namespace: 'shop', name, uid: `uid of ${name}`, resourceVersion: '1', creationTimestamp: '' },
});

/** Serves what `there` has; a list of all leaves out what `hides` says. Each watch ends, so that it lists again. */
function fakeClient(there: Map<string, KubeObject>, hides: (name: string) => boolean) {
  const requests: string[] = [];
  const request = async ({ method, path }: { method: string; path: string }): Promise<unknown> => {
    requests.push(`${method} ${path}`);
    if (method === 'DELETE') return { ok: true, status: 200, body: {} };
    const name = /metadata\.name%3D([^&]+)/.exec(path)?.[1];
    const all = [...there.values()].filter(({ metadata }) =>
      name === undefined ? !hides(metadata.name) : metadata.name === name,
    );
    return { ok: true, status: 200, body: { metadata: { resourceVersion: '2' }, items: all } };
  };
  async function* watch() {
    yield { type: 'ERROR', object: { code: 410, message: 'too old' } };
  }
  return { requests, client: { request, watch, close: () => undefined } as unknown as KubeClient };
}

describe('a list that is not whole', () => {
  function reflect(t: TestContext, client: KubeClient) {
    const stopping = new AbortController();
    t.after(() => stopping.abort());
    const troubles: string[] = [];
    const reflector = startReflector(client, {
      resource: USERS,
      keep: (object) => viewObject('SmtpPlusUser', object),
      onChange: () => undefined,
      onTrouble: (message) => void troubles.push(message),
      signal: stopping.signal,
    });
    return { ...reflector, troubles, names: () => [...reflector.entries.keys()].sort() };
  }

  for (const [what, hides] of [
    ['empty', () => true],
    ['partial', (name: string) => name !== 'a'],
  ] as const) {
    test(`(${what}) takes nobody away, and what is really gone goes`, async (t) => {
      const there = new Map(['a', 'b', 'c'].map((name) => [name, user(name)]));
      let isHiding = false;
      const { client } = fakeClient(there, (name) => isHiding && hides(name));
      const mirror = reflect(t, client);
      await mirror.synced;
      isHiding = true;
      await until(() => mirror.troubles.some((one) => one.includes('is there and was left out')) || undefined);
      assert.deepEqual(mirror.names(), ['shop/a', 'shop/b', 'shop/c']);
      isHiding = false;
      there.delete('b');
      await until(() => mirror.names().join() === 'shop/a,shop/c' || undefined);
    });
  }
});

test('a list of objects that are too large for one answer comes in smaller pages', async (t) => {
  const stopping = new AbortController();
  t.after(() => stopping.abort());
  const limits: number[] = [];
  const { client } = fakeClient(new Map([['a', user('a')]]), () => false);
  const request = async (asked: { method: string; path: string }): Promise<unknown> => {
    const limit = Number(/limit=(\d+)/.exec(asked.path)?.[1]);
    limits.push(limit);
    if (limit > 100) throw new AnswerTooLargeError();
    return client.request(asked as Parameters<KubeClient['request']>[0]);
  };
  const { synced, entries } = startReflector({ ...client, request } as KubeClient, {
    resource: USERS,
    keep: (object) => viewObject('SmtpPlusUser', object),
    onChange: () => undefined,
    onTrouble: () => undefined,
    signal: stopping.signal,
  });
  await synced;
  assert.deepEqual([limits.slice(0, 4), [...entries.keys()]], [[500, 250, 125, 63], ['shop/a']]);
});

describe('a credentials Secret that nothing wants', () => {
  const secret = viewSecret({
    metadata: {
      ...user('orders-smtp').metadata,
      ownerReferences: [
        {
          apiVersion: 'smtpplus.io/v1alpha1',
          kind: 'SmtpPlusUser',
          name: 'orders',
          uid: 'uid of orders',
          controller: true,
        },
      ],
    },
  });

  async function remove(there: readonly KubeObject[], cached: readonly KubeObject[]) {
    const { client, requests } = fakeClient(new Map(there.map((one) => [one.metadata.name, one])), () => false);
    const known = new Map(cached.map((one) => [`shop/${one.metadata.name}`, viewObject('SmtpPlusUser', one)]));
    const caches = { secrets: { get: () => secret }, objects: { SmtpPlusUser: known } } as unknown as Caches;
    const nothing = () => undefined;
    const lookAtSecret = async () => undefined;
    const { signal } = new AbortController();
    const fit = startCrdFit(client, { record: nothing, onTrouble: nothing, onFits: nothing, signal });
    const context = {
      client,
      caches,
      fit,
      record: nothing,
      onWrite: nothing,
      ownStatus: createOwnStatus(),
      contested: createContested(nothing),
      endpoints: { isDone: () => true, write: async () => 'done' as const },
      lookAtSecret,
      onSecretTrouble: nothing,
    };
    const outcome: WriteOutcome = await writeObject(context, { kind: 'Secret', key: 'shop/orders-smtp' });
    return [outcome, requests.some((one) => one.startsWith('DELETE'))];
  }

  test('stays while its user is there and the caches lack it, as after a list that was empty', async () => {
    assert.deepEqual(await remove([user('orders')], []), ['again', false]);
  });

  test('goes where its user is gone, was made anew, or wants another', async () => {
    const anew = { metadata: { ...user('orders').metadata, uid: 'another' } };
    assert.deepEqual(await remove([], []), ['done', true]);
    assert.deepEqual(await remove([anew], [anew]), ['done', true]);
    assert.deepEqual(await remove([user('orders')], [user('orders')]), ['done', true]);
  });
});
