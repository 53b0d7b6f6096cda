/** The reserve of the spool in a whole relay, which may have no configuration when it starts. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test, type TestContext } from 'node:test';
import {
  CLASS_FILE_NAME,
  deliverySettingsSchema,
  SHARD_COUNT,
  shardFileName,
  shardOf,
} from '../../relay/config/config.ts';
import { upstreamReportSchema } from '../../relay/observe/upstream-report.ts';
import { startRelay } from '../../relay/main.ts';
import { ensureCertificates } from '../../operator/certificates/self-signed.ts';
import { until } from '../support/eventually.ts';
import { folderOf } from '../support/folder.ts';
import { captureLog } from '../support/queued.ts';
import { aClass, aList, aSender, aUser, LIST, PASSWORD, USER } from '../support/relay-config.ts';
import { openSecureClient, plain } from '../support/smtp-client.ts';

async function aRelay(t: TestContext) {
  const folder = await folderOf(t);
  const certificates = await ensureCertificates(path.join(folder, 'tls'), { hostnames: ['localhost'] });
  const relay = await startRelay({
    configFolder: folder,
    spoolFolder: path.join(folder, 'spool'),
    captureFolder: path.join(folder, 'outbox'),
    certificates,
    host: '127.0.0.1',
    ports: [0],
    implicitTlsPorts: [],
    http: { host: '127.0.0.1', port: 0 },
    log: captureLog().log,
  });
  t.after(() => relay.close());
  const configure = async (spoolReserveBytes: number) => {
    const delivery = deliverySettingsSchema.parse({ spoolReserveBytes });
    await writeFile(path.join(folder, CLASS_FILE_NAME), JSON.stringify(aClass({ delivery })));
    for (let shard = 0; shard < SHARD_COUNT; shard++) {
      const only = <Value>(key: string, value: Value) => (shardOf(key) === shard ? { [key]: value } : {});
      const [lists, users] = [only(LIST, aList()), only(USER, aUser())];
      const document = { version: 1, lists, users, namespaces: only('shop', [aSender()]) };
      await writeFile(path.join(folder, shardFileName(shard)), JSON.stringify(document));
    }
    await relay.reload();
  };
  const page = (name: string) =>
    fetch(`http://127.0.0.1:${relay.httpPort}${name}`, { headers: { connection: 'close' } });
  return { port: relay.ports[0] ?? 0, ca: certificates.ca, configure, page };
}

test('the reserve is the one of the configuration in force, though the relay began without any', async (t) => {
  const relay = await aRelay(t);
  await relay.configure(Number.MAX_SAFE_INTEGER);
  const client = await openSecureClient(relay.port, relay);
  assert.match(await client.ask(`AUTH PLAIN ${plain(USER, PASSWORD)}`), /^235 /);
  assert.match(await client.ask('MAIL FROM:<orders@shop.example>'), /^452 4\.3\.1 /);
  await relay.configure(1);
  assert.match(await client.ask('MAIL FROM:<orders@shop.example>'), /^250 /);
  client.destroy();
});

test('a relay whose disk is full says so to the operator, and stays where clients hear it from it', async (t) => {
  const relay = await aRelay(t);
  await relay.configure(1);
  assert.match(await (await relay.page('/metrics')).text(), /^smtpplus_spool_free_bytes [1-9]/m);
  const told = async () => (await (await relay.page('/configz')).json()) as { spoolFullSince?: string };
  assert.equal((await told()).spoolFullSince, undefined);
  await relay.configure(Number.MAX_SAFE_INTEGER);
  await until(async () => (await told()).spoolFullSince !== undefined);
  const ready = await relay.page('/readyz');
  assert.equal(ready.status, 200);
  assert.equal(await ready.text(), 'ok, but the spool is full: mail is refused with 452\n');
  await until(async () => /^smtpplus_spool_free_bytes 0$/m.test(await (await relay.page('/metrics')).text()));
  assert.match(await (await relay.page('/metrics')).text(), /^smtpplus_spool_full 1$/m);
  const { upstreams } = upstreamReportSchema.parse(await (await relay.page('/upstreamz')).json());
  assert.deepEqual(upstreams, []);
});
