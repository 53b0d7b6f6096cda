/** Who may read the pages of a whole relay that name tenants, and what its metrics forget. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { RelayConfig } from '../../relay/config/config.ts';
import { tokenHash } from '../../relay/observe/page-readers.ts';
import { ledTo, QUICK_DELIVERY } from '../support/config-folder.ts';
import { until } from '../support/eventually.ts';
import { aClass, LIST } from '../support/relay-config.ts';
import { startUpstream } from '../support/upstream.ts';
import { logIn, open, page, type RelayOfWorkers, send, startWorkers } from '../workers/relay.ts';

const GUARDED = ['/metrics', '/configz', '/upstreamz', '/queue', '/usage'];
const TOKEN = 'token-of-the-class';

function guarded(config: RelayConfig, token: string): RelayConfig {
  return { ...config, class: aClass({ delivery: QUICK_DELIVERY, pages: { tokenHash: tokenHash(token) } }) };
}

async function statuses({ relay }: RelayOfWorkers, token?: string): Promise<readonly number[]> {
  const headers = { connection: 'close', ...(token !== undefined && { authorization: `Bearer ${token}` }) };
  return Promise.all(
    GUARDED.map(async (path) => {
      const response = await fetch(`http://127.0.0.1:${relay.httpPort}${path}`, { headers });
      await response.text();
      return response.status;
    }),
  );
}

const ALL = (status: number) => GUARDED.map(() => status);

for (const workers of [1, 2]) {
  describe(`the pages of a relay of ${workers} that name tenants`, () => {
    test('need the token that the configuration tells of, from the moment it is in force, and that alone', async (t) => {
      const open = ledTo({ kind: 'capture' });
      const relay = await startWorkers(t, workers, { config: open });
      assert.deepEqual(await statuses(relay), ALL(200));
      await relay.configure(guarded(open, TOKEN));
      await relay.relay.reload();
      await until(async () => (await statuses(relay))[0] === 401);
      assert.deepEqual(await statuses(relay), ALL(401));
      assert.deepEqual(await statuses(relay, 'token-of-another'), ALL(401));
      assert.deepEqual(await statuses(relay, TOKEN), ALL(200));
      await relay.configure(guarded(open, 'the-next'));
      await relay.relay.reload();
      await until(async () => (await statuses(relay, 'the-next'))[0] === 200);
      await until(async () => (await statuses(relay, TOKEN))[0] === 401);
      await relay.configure(open);
      await relay.relay.reload();
      await until(async () => (await statuses(relay))[0] === 200);
    });
  });

  describe(`the metrics of a relay of ${workers}`, () => {
    test('forget a list and a smart host that are gone', async (t) => {
      const upstream = await startUpstream(t);
      const config = ledTo(upstream.smartHost());
      const relay = await startWorkers(t, workers, { config });
      const client = await open(relay);
      await logIn(client);
      assert.match(await send(client, 'a@elsewhere.example'), /^250 /);
      client.destroy();
      const { host, port } = upstream.smartHost();
      const metrics = async () => (await page(relay, '/metrics')).text;
      await until(async () => (await metrics()).includes(`upstream="${host}:${port}",result="delivered"`));
      assert.match(await metrics(), new RegExp(`smtpplus_messages_total\\{list="${LIST}"`));
      await relay.configure({ ...config, lists: new Map(), users: new Map() });
      await relay.relay.reload();
      await until(async () => !(await metrics()).includes(`"${LIST}"`));
      assert.doesNotMatch(await metrics(), new RegExp(`${host}:${port}`));
    });
  });
}

describe('while workers are replaced', () => {
  test('the pages that name tenants stay closed', async (t) => {
    const relay = await startWorkers(t, 2, { config: guarded(ledTo({ kind: 'capture' }), TOKEN) });
    assert.deepEqual(await statuses(relay), ALL(401));
    const before = [relay.pidOf(1), relay.pidOf(2)];
    for (const pid of before) process.kill(pid, 'SIGKILL');
    const seen = new Set<number>();
    await until(async () => {
      for (const status of await statuses(relay)) seen.add(status);
      return (
        (await statuses(relay, TOKEN))[1] === 200 &&
        !before.includes(relay.pidOf(1)) &&
        !before.includes(relay.pidOf(2))
      );
    });
    assert.deepEqual([...seen], [401]);
  });
});
