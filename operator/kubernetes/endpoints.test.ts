import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { SenderPlan } from '../core/senders/sender-plan.ts';
import type { KubeClient } from './client/client.ts';
import { startEndpoints } from './endpoints.ts';

const META = { namespace: 'shop', name: 'domain', uid: 'u', generation: 1, labels: {}, annotations: {} };
const ENDPOINT = [{ name: 'key._domainkey.shop.example', value: 'v=DKIM1; p=AAAA' }];
const PLAN: SenderPlan = { meta: META, status: {}, events: [], endpoint: ENDPOINT };

/** An API server that fails where it is asked for DNSEndpoints, until it is mended. */
function start(t: { readonly signal: AbortSignal }) {
  const requests: string[] = [];
  const failed = Promise.withResolvers<void>();
  const told = Promise.withResolvers<readonly string[]>();
  let isMended = false;
  const client = {
    request: async ({ method, path }: { readonly method: string; readonly path: string }) => {
      requests.push(`${method} ${path.split('?')[0]}`);
      if (!isMended) return { ok: false, status: 500, reason: '', message: 'conversion webhook failed' };
      return { ok: true, status: 200, body: { metadata: { resourceVersion: '1' }, items: [] } };
    },
    watch: async function* () {
      await new Promise((resolve) => t.signal.addEventListener('abort', resolve));
      yield* [];
    },
  } as unknown as KubeClient;
  const endpoints = startEndpoints(client, {
    allowed: 'DKIM',
    watchNamespaces: [],
    leads: () => true,
    senders: new Map([['shop/domain', META]]),
    onFact: told.resolve,
    onWrite: () => undefined,
    onTrouble: () => failed.resolve(),
    signal: t.signal,
  });
  return { endpoints, requests, failed: failed.promise, told: told.promise, mend: () => (isMended = true) };
}

describe('DNSEndpoints that nobody can list', () => {
  test('are not written, and nobody says anything of them, until they can be', async (t) => {
    const { endpoints, requests, failed, told, mend } = start(t);
    await failed;
    assert.equal(endpoints.isDone(PLAN), true);
    assert.equal(await endpoints.write(PLAN), 'done');
    assert.equal(endpoints.publicationOf(META, ENDPOINT), undefined);
    mend();
    assert.deepEqual(await told, ['shop/domain']);
    assert.equal(endpoints.isDone(PLAN), false);
    assert.deepEqual([...new Set(requests)], ['GET /apis/externaldns.k8s.io/v1alpha1/dnsendpoints']);
  });
});
