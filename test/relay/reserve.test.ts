/** The reserve of the spool in a whole relay, which may have no configuration when it starts. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { deliverySettingsSchema } from '../../relay/config/config.ts';
import { upstreamReportSchema } from '../../relay/observe/upstream-report.ts';
import { until } from '../support/eventually.ts';
import { aClass, aConfig, PASSWORD, USER } from '../support/relay-config.ts';
import { openSecureClient, plain } from '../support/smtp-client.ts';
import { startWholeRelay } from '../support/whole-relay.ts';

async function aRelay(t: TestContext) {
  const { configure, httpPort, ...relay } = await startWholeRelay(t);
  return {
    ...relay,
    reserve: (spoolReserveBytes: number) =>
      configure(aConfig({ relayClass: aClass({ delivery: deliverySettingsSchema.parse({ spoolReserveBytes }) }) })),
    page: (name: string) => fetch(`http://127.0.0.1:${httpPort}${name}`, { headers: { connection: 'close' } }),
  };
}

test('the reserve is the one of the configuration in force, though the relay began without any', async (t) => {
  const relay = await aRelay(t);
  await relay.reserve(Number.MAX_SAFE_INTEGER);
  const client = await openSecureClient(relay.port, relay);
  assert.match(await client.ask(`AUTH PLAIN ${plain(USER, PASSWORD)}`), /^235 /);
  assert.match(await client.ask('MAIL FROM:<orders@shop.example>'), /^452 4\.3\.1 /);
  await relay.reserve(1);
  assert.match(await client.ask('MAIL FROM:<orders@shop.example>'), /^250 /);
  client.destroy();
});

test('a relay whose disk is full says so to the operator, and stays where clients hear it from it', async (t) => {
  const relay = await aRelay(t);
  await relay.reserve(1);
  assert.match(await (await relay.page('/metrics')).text(), /^smtpplus_spool_free_bytes [1-9]/m);
  const told = async () => (await (await relay.page('/configz')).json()) as { spoolFullSince?: string };
  assert.equal((await told()).spoolFullSince, undefined);
  await relay.reserve(Number.MAX_SAFE_INTEGER);
  await until(async () => (await told()).spoolFullSince !== undefined);
  const ready = await relay.page('/readyz');
  assert.equal(ready.status, 200);
  assert.equal(await ready.text(), 'ok, but the spool is full: mail is refused with 452\n');
  await until(async () => /^smtpplus_spool_free_bytes 0$/m.test(await (await relay.page('/metrics')).text()));
  assert.match(await (await relay.page('/metrics')).text(), /^smtpplus_spool_full 1$/m);
  const { upstreams } = upstreamReportSchema.parse(await (await relay.page('/upstreamz')).json());
  assert.deepEqual(upstreams, []);
});
