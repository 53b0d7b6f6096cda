import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import { until } from '../../../test/support/eventually.ts';
import type { ApiAnswer } from '../client/answers.ts';
import type { KubeClient } from '../client/client.ts';
import { followNamespaces } from './watched-namespaces.ts';

type Labels = Record<string, string>;

/** An API server with these namespaces; who asks for others is refused, as RBAC refuses it. */
function start(t: TestContext, names: readonly string[]) {
  const there = new Map<string, Labels | 'gone'>();
  const asked: string[] = [];
  const answer = (path: string): ApiAnswer<unknown> => {
    const name = path.split('/').at(-1) ?? '';
    asked.push(name);
    const labels = there.get(name);
    if (labels === undefined) return { ok: false, status: 403, reason: 'Forbidden', message: 'no right to get it' };
    if (labels === 'gone') return { ok: false, status: 404, reason: 'NotFound', message: 'not found' };
    return { ok: true, status: 200, body: { metadata: { name, labels } } };
  };
  const request = (async ({ path }) => answer(path)) as KubeClient['request'];
  const client = { request } as KubeClient;
  const stopping = new AbortController();
  t.after(() => stopping.abort());
  const changes: string[] = [];
  const troubles: string[] = [];
  const begin = () =>
    followNamespaces(client, {
      names,
      onChange: (name) => changes.push(name),
      onTrouble: (message) => troubles.push(message),
      signal: stopping.signal,
      lookMs: 1,
    });
  return { there, asked, changes, troubles, begin };
}

describe('the labels of the namespaces that an operator of some namespaces reads', () => {
  test('are asked for one by one, and a change of them is told, also that the namespace is gone', async (t) => {
    const { there, asked, changes, begin } = start(t, ['shop', 'blog', 'shop']);
    there.set('shop', { team: 'a' }).set('blog', {});
    const followed = begin();
    await followed.synced;
    assert.deepEqual([followed.get('shop'), followed.get('blog')], [{ team: 'a' }, {}]);
    assert.deepEqual(asked.slice(0, 2), ['shop', 'blog']);
    there.set('shop', { team: 'b' });
    await until(() => followed.get('shop')?.['team'] === 'b');
    there.set('shop', 'gone');
    await until(() => followed.get('shop') === undefined);
    assert.deepEqual(changes, ['shop', 'blog', 'shop', 'shop']);
  });

  test('are not all there while one of them may not be read, which is told once, in words', async (t) => {
    const { there, troubles, begin, asked } = start(t, ['shop', 'forbidden']);
    there.set('shop', {});
    const followed = begin();
    await until(() => asked.length > 10);
    assert.equal(followed.hasSynced(), false);
    assert.deepEqual(troubles, ['namespace forbidden cannot be read: 403 no right to get it']);
    assert.equal(followed.trouble(), troubles[0]);
    there.set('forbidden', { team: 'c' });
    await followed.synced;
    assert.deepEqual([followed.get('forbidden'), followed.trouble()], [{ team: 'c' }, undefined]);
  });
});
