/** From the installation to what arrives at the smart host, and through a rolling restart. */
import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, test } from 'node:test';
import { until } from '../support/eventually.ts';
import { NAMESPACE, PODS, RELAYS, SERVICE, SETTINGS, SOON, tryRelease, upgrade } from './install.ts';
import { kubectl } from './kubectl.ts';
import { send, setSmartHost, type startSending } from './programs.ts';
import { messagesOnVolume, startTimes } from './relays.ts';
import { allArrived, arrived, countDuplicates, countOf, FROM, setActive, SETTLED_MS, SHOP, startLoad } from './shop.ts';

/** Some that only the pods' own name has. */
const PORTS_OF_PODS = [1025, 5000, ...Array.from({ length: 3 }, () => randomInt(1025, 5001))].map((port) => ({
  port,
  host: PODS,
}));
/** Of mail that waits, some hundred come together. */
const LOAD_MS = 5000;

describe('SMTP+ on a real cluster', () => {
  test('is installed by Helm in a namespace that is restricted, and its own test sends a mail through', async () => {
    assert.match(await tryRelease(), /the message: 250 /);
  });

  test('reads well in kubectl', async () => {
    const tables = (await kubectl(['get', 'spl,spu,vsender', '-n', SHOP])).split('\n\n');
    const cells = tables.map((table) => table.split('\n').map((line) => line.split(/ {2,}/)));
    assert.deepEqual(
      cells.map(([header]) => header?.join(' ').trimEnd()),
      [
        'NAME CLASS UPSTREAM USERS ACTIVE SUSPENDED READY AGE',
        'NAME LIST USERNAME SECRET ACTIVE READY AGE',
        'NAME SENDER VERIFIED METHOD READY AGE',
      ],
    );
    const orders = cells[1]?.find(([name]) => name === 'smtpplususer.smtpplus.io/orders')?.slice(1, -1);
    assert.deepEqual(orders, ['shop/transactional', 'orders.shop', 'orders-smtp', 'True', 'True']);
  });

  test('takes mail over each port that the status of the user tells, and over others of the pods, and hands on what was sent', async () => {
    const { ports, implicitTlsPorts } = JSON.parse(
      await kubectl(['get', 'spu/orders', '-n', SHOP, '--output', 'jsonpath={.status.server}']),
    ) as { ports: number[]; implicitTlsPorts: number[] };
    assert.deepEqual([ports, implicitTlsPorts], [[587, 25, 2525], [465]]);
    const all = [
      ...ports.map((port) => ({ port })),
      ...implicitTlsPorts.map((port) => ({ port, implicitTls: true })),
      ...PORTS_OF_PODS,
    ];
    const replies = await send(SHOP, { kind: 'each', ports: all, from: FROM });
    assert.equal(replies.length, all.length);
    for (const { id, reply } of replies) {
      assert.match(reply, /^250 /);
      const [mail, ...more] = await arrived(id);
      assert.deepEqual(more, []);
      assert.deepEqual([mail?.mailFrom, mail?.recipients], ['orders@shop.example', ['somebody@elsewhere.example']]);
      const { message = '' } = mail ?? {};
      assert.match(message, /^Received: /);
      assert.match(message, /^From: Orders <orders@shop\.example>\r$/m);
      assert.match(message, new RegExp(`^Subject: Order ${id}\r$`, 'm'));
      assert.match(message, /\r\n\r\nIt is on its way\.\r\n$/);
    }
  });

  test('refuses a sender that is somebody else', async () => {
    const [refused] = await send(SHOP, { kind: 'each', ports: [{ port: 587 }], from: 'ceo@elsewhere.example' });
    assert.match(
      refused?.reply ?? '',
      /^550 5\.7\.1 ceo@elsewhere\.example: sender not authorized for SMTP\+ user orders\.shop/,
    );
    assert.deepEqual(await countOf([refused?.id ?? '']), [0]);
  });

  test('refuses a user who is inactive in every relay once `Programmed` says so, and takes it back', async () => {
    const ports = Array.from({ length: 12 }, () => ({ port: 587 }));
    await setActive(false);
    for (const { reply } of await send(SHOP, { kind: 'each', ports, from: FROM }))
      assert.match(reply, /^525 5\.7\.13 /);
    await setActive(true);
    for (const { reply } of await send(SHOP, { kind: 'each', ports, from: FROM })) assert.match(reply, /^250 /);
  });

  test('takes mail over a port of the node, and sees where it comes from', async () => {
    await upgrade({ relays: { service: { type: 'NodePort' } } });
    try {
      const service = ['get', 'service', '-n', NAMESPACE, 'smtp-plus-relay', '--output'];
      const port = Number(await kubectl([...service, 'jsonpath={.spec.ports[?(@.port==587)].nodePort}']));
      const host = await kubectl([
        'get',
        'pod',
        '-n',
        NAMESPACE,
        'smtp-plus-relay-0',
        '-o',
        'jsonpath={.status.hostIP}',
      ]);
      const ports = [{ port, host, servername: SERVICE }];
      const [reply] = await send(SHOP, { kind: 'each', ports, from: FROM });
      assert.match(reply?.reply ?? '', /^250 /);
      const [mail] = await arrived(reply?.id ?? '');
      const client = await kubectl(['get', 'pod', '-n', SHOP, 'client', '-o', 'jsonpath={.status.podIP}']);
      assert.ok(mail?.message.includes(`([${client}])`), mail?.message);
    } finally {
      await upgrade();
    }
  });

  test('restarts no pod where it is upgraded to what it is', async () => {
    const before = await podsNow();
    await upgrade();
    assert.equal(await podsNow(), before);
  });

  test('takes up other settings without a restart: a sender is vouched for, a load balancer trusted', async () => {
    const before = await podsNow();
    const balancer = await kubectl(['get', 'pod', '-n', SHOP, 'client', '-o', 'jsonpath={.status.podIP}']);
    const existingSenders = [...SETTINGS.existingSenders, { shop: 'news@newsletter.example' }];
    const settings = { ...SETTINGS, existingSenders, session: { trustedProxies: [`${balancer}/32`] } };
    await upgrade({ classes: { default: { settings } } });
    try {
      await kubectl(['wait', '--for=condition=Verified', 'vsender/newsletter', '-n', SHOP, '--timeout=180s']);
      const proxyHeader = `PROXY TCP4 198.51.100.7 ${balancer} 40000 587\r\n`;
      const [reply] = await send(SHOP, { kind: 'each', ports: [{ port: 587, proxyHeader }], from: FROM });
      assert.match(reply?.reply ?? '', /^250 /);
      const [mail] = await arrived(reply?.id ?? '');
      assert.ok(mail?.message.includes('([198.51.100.7])'), mail?.message);
    } finally {
      await upgrade();
    }
    // what was withdrawn stays for three days, and says so
    const withdrawn = 'jsonpath={.status.conditions[?(@.type=="Verified")].reason}=VouchingWithdrawn';
    await kubectl(['wait', `--for=${withdrawn}`, 'vsender/newsletter', '-n', SHOP, '--timeout=180s']);
    assert.equal(await podsNow(), before);
  });

  test('loses nothing while all relays are restarted under load', async (t) => {
    const load = startLoad();
    await kubectl(['rollout', 'restart', '-n', NAMESPACE, RELAYS]);
    await kubectl(['rollout', 'status', '-n', NAMESPACE, RELAYS, '--timeout=300s']);
    load.end();
    t.diagnostic(await allArrived(await load.output));
    t.diagnostic(`from the start of a container until its relay is ready: ${(await startTimes()).join(', ')} s`);
  });

  test('loses nothing where a relay goes for good while the smart host is away', async (t) => {
    const gone = ['--for=delete', 'pod/smtp-plus-relay-1', '--timeout=120s'];
    const end = () => kubectl(['wait', '-n', NAMESPACE, ...gone]);
    await scaledInUnderLoad(end, async (replies) => {
      const left = await until(async () => (await messagesOnVolume()) || undefined, { ms: SETTLED_MS });
      await setSmartHost(true);
      t.diagnostic(`${await allArrived(replies)}, ${left} left on the volume`);
      assert.deepEqual([left, await countDuplicates(replies)], ['0', 0]);
    });
  });

  test('has a pod empty the volume of a relay that was killed while it went', async (t) => {
    const killed = ['pod/smtp-plus-relay-1', '--grace-period=0', '--force', '--ignore-not-found'];
    const end = () => kubectl(['delete', '-n', NAMESPACE, ...killed]);
    await scaledInUnderLoad(end, async (replies) => {
      await setSmartHost(true);
      const duplicates = await countDuplicates(replies);
      await until(async () => (await messagesOnVolume()) === '0', { ms: SETTLED_MS });
      t.diagnostic(`${replies.length} answered, and what was acknowledged is delivered; ${duplicates} came twice`);
    });
  });
});

/** One relay less while mail comes in and the smart host is away. `end` sees to the end of its pod, `judge` is given all replies. */
async function scaledInUnderLoad(
  end: () => Promise<unknown>,
  judge: (replies: Awaited<ReturnType<typeof startSending>['output']>) => Promise<void>,
): Promise<void> {
  await upgrade({ classes: SOON });
  await setSmartHost(false);
  try {
    const load = startLoad();
    await sleep(LOAD_MS);
    await scaleTo(1);
    await end();
    load.end();
    await judge(await load.output);
  } finally {
    await setSmartHost(true);
    await scaleTo(2);
    await upgrade();
  }
}

/** Helm refuses to upgrade what somebody else has scaled, unless that says what the chart says. */
async function scaleTo(replicas: number): Promise<void> {
  await kubectl(['scale', '-n', NAMESPACE, RELAYS, `--replicas=${replicas}`]);
}

function podsNow(): Promise<string> {
  return kubectl(['get', 'pods', '-n', NAMESPACE, '--output', 'jsonpath={.items[*].metadata.uid}']);
}
