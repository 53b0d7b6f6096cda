import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, test, type TestContext } from 'node:test';
import { createPodAsker } from './pod-answers.ts';

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

const CONFIG = { documents: { 'class.json': 'hash' } };
const REPORT = { startTime: '2026-01-01T00:00:00Z', upstreams: [{ lists: ['shop/house'] }] };
const json =
  (value: unknown): Answer =>
  (_, response) =>
    void response.end(JSON.stringify(value));

/** A pod with these two pages. */
async function startPod(t: TestContext, pages: { configz?: Answer; upstreamz?: Answer }) {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url ?? '');
    const page = request.url === '/configz' ? (pages.configz ?? json(CONFIG)) : pages.upstreamz;
    if (page !== undefined) return page(request, response);
    response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const pod = {
    namespace: 'smtp-plus',
    name: 'relay-0',
    className: 'default',
    isReady: true,
    configHash: undefined,
    left: undefined,
  };
  return { asked, pod: { ...pod, http: `http://127.0.0.1:${port}` } };
}

describe('what a relay pod is asked', () => {
  test('is which documents it runs, whether its disk is full, and what becomes of mail', async (t) => {
    const configz = json({ ...CONFIG, spoolFullSince: '2026-01-01T00:00:00.000Z' });
    const { pod } = await startPod(t, { configz, upstreamz: json(REPORT) });
    assert.deepEqual(await createPodAsker(() => 'token')([pod, { ...pod, name: 'starting', isReady: false }]), [
      { pod: 'relay-0', documents: CONFIG.documents, relay: { ...REPORT, isFull: true } },
    ]);
  });

  test('is not told again what it knows already, and makes the same of it', async (t) => {
    const { pod } = await startPod(t, {
      upstreamz: (request, response) => {
        if (request.headers['if-none-match'] === '"1"') response.writeHead(304).end();
        else response.writeHead(200, { etag: '"1"' }).end(JSON.stringify(REPORT));
      },
    });
    const ask = createPodAsker(() => 'token');
    const [first] = await ask([pod]);
    const [again] = await ask([pod]);
    assert.equal(again?.relay?.upstreams, first?.relay?.upstreams);
    assert.notEqual(again?.relay, undefined);
  });

  test('is asked for its documents only where it is of a version that tells no more', async (t) => {
    const { pod } = await startPod(t, {});
    assert.deepEqual(await createPodAsker(() => 'token')([pod]), [{ pod: 'relay-0', documents: CONFIG.documents }]);
  });

  test('is believed nothing that is no report, and is not read for ever', async (t) => {
    const endless: Answer = (_, response) => {
      const more = (): void => {
        if (!response.destroyed) response.write('x'.repeat(1_000_000), () => setImmediate(more));
      };
      more();
    };
    const wrong: Answer[] = [
      json({ startTime: 'yesterday', upstreams: [] }),
      json({ ...REPORT, upstreams: [{ lists: [], trouble: { since: '', time: '', error: 'x'.repeat(301) } }] }),
      json([]),
      (_, response) => void response.end('not JSON'),
      (_, response) => void response.writeHead(302, { location: 'http://elsewhere.example/' }).end(),
      endless,
    ];
    for (const upstreamz of wrong) {
      const { pod } = await startPod(t, { upstreamz });
      assert.deepEqual(await createPodAsker(() => 'token')([pod]), [{ pod: 'relay-0', documents: CONFIG.documents }]);
    }
    const { pod, asked } = await startPod(t, { configz: endless, upstreamz: json(REPORT) });
    const [answer] = await createPodAsker(() => 'token')([pod]);
    assert.deepEqual([answer?.documents, answer?.relay], [undefined, undefined]);
    assert.match(answer?.trouble ?? '', /no report of a relay/);
    assert.deepEqual(asked, ['/configz']);
  });
});
