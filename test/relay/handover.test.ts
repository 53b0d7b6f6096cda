import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:https';
import { readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { type AddressInfo, connect as connectPlain, type Socket } from 'node:net';
import { connect } from 'node:tls';
import { ensureCertificates } from '../../operator/certificates/self-signed.ts';
import { findPeers, OFFERS_AT_ONCE } from '../../relay/handover/peers.ts';
import { CONNECTIONS_MAX } from '../../relay/handover/receiver.ts';
import { replies } from '../../relay/replies.ts';
import type { QueuedMessage } from '../../relay/spool/record.ts';
import { until } from '../support/eventually.ts';
import { folderOf } from '../support/folder.ts';
import { aFleetConfig, FLEET_KEY, openSide } from '../support/handing-over.ts';
import { aMessage, inMemory, metricValue } from '../support/queued.ts';

const BUDGET_MS = 20_000;
const SHORT_MS = 500;
const LARGE_BYTES = 400_000;
const PATIENCE_S = 60;
const TRANSFER = '6f1c6bb8-9d2b-4a52-9d0e-0f4a1f6f7a11';

describe('a hand-over', () => {
  test('takes everything along that is known of a message', async (t) => {
    const to = await openSide(t, { name: 'relay-0' });
    const from = await openSide(t, { name: 'relay-1', peers: [to.address] });
    const message = aMessage({
      envelope: {
        ret: 'HDRS',
        envelopeId: 'QQ314159',
        recipients: [{ address: 'a@x.example', notify: ['FAILURE'], originalRecipient: 'rfc822;b@y.example' }],
      },
    });
    const before = await put(from, message);
    const [recipient] = before.pending;
    const last = { outcome: 'deferred', code: 451, enhanced: '4.2.0', text: 'later', at: 'RCPT' } as const;
    const next: QueuedMessage = {
      ...before,
      pending: [{ address: 'a@x.example', ...recipient, last }],
      attempts: 3,
      due: Date.now() + 3_600_000,
      delayNoticeSent: true,
      reports: 1,
    };
    await from.spool.settle(message.id, { next, reports: [] });
    const isDue: boolean[] = [];
    to.spool.onPut((_, due) => isDue.push(due));

    await from.handover.run(BUDGET_MS);

    assert.deepEqual(from.ids(), []);
    assert.deepEqual((await to.spool.read(message.id))?.queued, next);
    assert.deepEqual(isDue, [false], 'it waits for its next time');
    assert.equal(to.spool.entry(message.id)?.sender.namespace, message.namespace);
    assert.deepEqual(from.spool.transfers.all(), []);
    assert.equal(await metricValue(from.metrics, 'messages_handed_over_total'), 1);
    assert.equal(await metricValue(to.metrics, 'messages_taken_over_total'), 1);
  });

  test('takes large contents octet for octet', async (t) => {
    const to = await openSide(t, { name: 'relay-0' });
    const from = await openSide(t, { name: 'relay-1', peers: [to.address] });
    const content = Buffer.alloc(3_000_000, 'a line of text\r\n');
    const message = aMessage({ content });
    await from.spool.put(message, inMemory(content));
    await from.handover.run(BUDGET_MS);
    const found = await to.spool.read(message.id);
    assert.equal(found?.content.body.kind, 'file');
    assert.equal(found.queued.size, content.length);
    assert.deepEqual([from.ids(), to.ids()], [[], [message.id]]);
  });

  test('does not happen where the relay comes back to its volume', async (t) => {
    const config = aFleetConfig(2);
    const to = await openSide(t, { name: 'relay-0', config });
    const from = await openSide(t, { name: 'relay-1', config, peers: [to.address] });
    const { id } = await put(from);
    await from.handover.run(SHORT_MS);
    assert.deepEqual([from.ids(), to.ids()], [[id], []]);
    const [peer] = await findPeers([to.address], { key: FLEET_KEY, name: 'relay-1', signal: t.signal });
    assert.deepEqual([peer?.takes, peer?.why], [false, 'that relay comes back to its volume']);
    peer?.close();
  });

  test('goes by what relays that stay know of the size of the fleet', async (t) => {
    // a pod that is being stopped gets no new configuration
    const to = await openSide(t, { name: 'relay-0', config: aFleetConfig(1) });
    const from = await openSide(t, { name: 'relay-1', config: aFleetConfig(2), peers: [to.address] });
    const { id } = await put(from);
    await from.handover.run(BUDGET_MS);
    assert.deepEqual([from.ids(), to.ids()], [[], [id]]);
  });

  test('goes to the next relay where one has no room', async (t) => {
    const full = await openSide(t, { name: 'relay-0', config: aFleetConfig(2), reserveBytes: Number.MAX_SAFE_INTEGER });
    const to = await openSide(t, { name: 'relay-1', config: aFleetConfig(2) });
    const from = await openSide(t, { name: 'relay-2', peers: [full.address, to.address] });
    const ids = await putMany(from, 40);
    await from.handover.run(BUDGET_MS);
    assert.deepEqual([from.ids(), full.ids(), to.ids().toSorted()], [[], [], ids]);
  });

  test('leaves mail where it is if no relay has room, or none is there', async (t) => {
    const full = await openSide(t, { name: 'relay-0', reserveBytes: Number.MAX_SAFE_INTEGER });
    const from = await openSide(t, { name: 'relay-1', peers: [full.address, { host: '127.0.0.1', port: 1 }] });
    const { id } = await put(from);
    await from.handover.run(BUDGET_MS);
    assert.deepEqual([from.ids(), full.ids()], [[id], []]);
    assert.deepEqual(from.spool.transfers.all(), [], 'nothing of it is in doubt');
  });

  test('goes on with mail of others where a namespace has filled its share', async (t) => {
    const to = await openSide(t, { name: 'relay-0', namespacePercent: 50 });
    to.spool.incoming('full', Number.MAX_SAFE_INTEGER);
    const from = await openSide(t, { name: 'relay-1', peers: [to.address] });
    // more than there are connections: none of them may wait for contents that nobody reads
    const content = Buffer.alloc(LARGE_BYTES);
    const stays = Array.from({ length: 2 * OFFERS_AT_ONCE }, () => aMessage({ namespace: 'full', content }));
    for (const message of stays) await from.spool.put(message, inMemory(content));
    const others = await putMany(from, 20);
    await from.handover.run(BUDGET_MS);
    assert.deepEqual(to.ids().toSorted(), others);
    assert.deepEqual(from.ids().toSorted(), stays.map(({ id }) => id).toSorted());
    assert.deepEqual(from.spool.transfers.all(), []);
  });

  test('leaves out what is too large for the room that another relay has', async (t) => {
    const refusal = (bytes: number) => (bytes < LARGE_BYTES ? undefined : replies.diskFull());
    const to = await openSide(t, { name: 'relay-0', refusal });
    const from = await openSide(t, { name: 'relay-1', peers: [to.address] });
    const content = Buffer.alloc(LARGE_BYTES);
    const large = aMessage({ content });
    await from.spool.put(large, inMemory(content));
    const others = await putMany(from, 2 * OFFERS_AT_ONCE);
    await from.handover.run(BUDGET_MS);
    assert.deepEqual([from.ids(), to.ids().toSorted()], [[large.id], others]);
  });

  test('that is repeated takes nothing twice, though it has gone out meanwhile', async (t) => {
    const to = await openSide(t, { name: 'relay-0' });
    const from = await openSide(t, { name: 'relay-1' });
    const queued = await put(from);
    const terms = { key: FLEET_KEY, name: 'relay-1', signal: t.signal };
    const [peer] = await findPeers([to.address], terms);
    assert.equal(await peer?.put(TRANSFER, queued, inMemory()), 'taken');
    await to.spool.settle(queued.id, { reports: [] });
    assert.equal(await peer?.put(TRANSFER, queued, inMemory()), 'taken');
    assert.deepEqual(to.ids(), []);
    assert.deepEqual(await peer?.takenIn(TRANSFER), [queued.id]);
    // it was asked how it ended: what is still on its way from before comes too late
    assert.equal(await peer?.put(TRANSFER, await put(from), inMemory()), 'busy');
    await peer?.forget(TRANSFER);
    assert.deepEqual(to.spool.takenIn(TRANSFER), []);
    peer?.close();
  });

  test('that breaks off leaves no file behind', async (t) => {
    const to = await openSide(t, { name: 'relay-0' });
    const from = await openSide(t, { name: 'relay-1' });
    const queued = await put(from);
    const leaving = new AbortController();
    const [peer] = await findPeers([to.address], { key: FLEET_KEY, name: 'relay-1', signal: leaving.signal });
    // of which only a part comes
    const answer = peer?.put(TRANSFER, { ...queued, size: LARGE_BYTES }, inMemory());
    const files = () => readdir(to.spool.incomingFolder);
    await until(async () => (await files()).length === 1, { what: 'it comes in' });
    leaving.abort();
    assert.equal(await answer, 'unknown');
    await until(async () => (await files()).length === 0, { what: 'its file is gone' });
    peer?.close();
  });

  test('of what is no message is refused', async (t) => {
    const to = await openSide(t, { name: 'relay-0' });
    const from = await openSide(t, { name: 'relay-1' });
    const queued = await put(from);
    const [peer] = await findPeers([to.address], { key: FLEET_KEY, name: 'relay-1', signal: t.signal });
    const other = { ...queued, id: '../../etc/passwd' };
    for (const wrong of [other, { ...queued, size: 0 }, { ...queued, id: '-' }]) {
      assert.notEqual(await peer?.put(TRANSFER, wrong, inMemory(Buffer.alloc(0))), 'taken', wrong.id);
    }
    assert.deepEqual(to.ids(), []);
    peer?.close();
  });

  test('drops what the other relay has already', async (t) => {
    const to = await openSide(t, { name: 'relay-0' });
    const from = await openSide(t, { name: 'relay-1', peers: [to.address] });
    const message = aMessage();
    for (const { spool } of [to, from]) await spool.put(message, inMemory());
    await from.handover.run(BUDGET_MS);
    assert.deepEqual([from.ids(), to.ids()], [[], [message.id]]);
    assert.equal(await metricValue(to.metrics, 'messages_taken_over_total'), 0);
  });
});

describe('who may hand mail over, and to whom', () => {
  test('a relay without the key of the fleet gives nothing away, and gets nothing in', async (t) => {
    const to = await openSide(t, { name: 'relay-0' });
    const from = await openSide(t, {
      name: 'relay-1',
      config: aFleetConfig(1, 'cd'.repeat(32)),
      peers: [to.address],
    });
    const { id } = await put(from);
    await from.handover.run(SHORT_MS);
    assert.deepEqual([from.ids(), to.ids()], [[id], []]);
  });

  test('a client that trusts everybody and has no key does not get past the handshake', async (t) => {
    const to = await openSide(t, { name: 'relay-0' });
    for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
      const socket = connect({ ...to.address, rejectUnauthorized: false, maxVersion });
      const [error] = (await once(socket, 'error')) as [NodeJS.ErrnoException];
      assert.match(error.code ?? '', /^ERR_SSL|^ECONNRESET/);
    }
  });

  test('who merely holds connections open keeps no relay out, and ends none that is at work', async (t) => {
    const to = await openSide(t, { name: 'relay-0' });
    const at = { key: FLEET_KEY, signal: t.signal };
    const [first] = await findPeers([to.address], { ...at, name: 'relay-1' });
    const silent = await Promise.all(Array.from({ length: CONNECTIONS_MAX }, () => silentConnection(t, to)));
    const [second] = await findPeers([to.address], { ...at, name: 'relay-2' });
    assert.equal(second?.name, 'relay-0', 'nobody answers the relay that came last');
    assert.deepEqual(await first?.takenIn(TRANSFER), [], 'the one that came before them is still there');
    await until(() => silent.some(({ closed }) => closed), {
      what: 'the oldest of them are gone',
      ms: PATIENCE_S * 1000,
    });
    first?.close();
    second.close();
  });

  test('a server with a certificate in place of the key is given nothing', async (t) => {
    const { cert, key } = await ensureCertificates(await folderOf(t), { hostnames: ['localhost', '127.0.0.1'] });
    const asked: string[] = [];
    const impostor = createServer({ cert, key }, (request, response) => {
      asked.push(request.url ?? '');
      response.end('{"name":"relay-0","takes":true}');
    });
    impostor.listen(0, '127.0.0.1');
    await once(impostor, 'listening');
    t.after(() => impostor.close());
    const { port } = impostor.address() as AddressInfo;
    const from = await openSide(t, { name: 'relay-1', peers: [{ host: '127.0.0.1', port }] });
    const { id } = await put(from);
    await from.handover.run(SHORT_MS);
    assert.deepEqual([from.ids(), asked], [[id], []]);
  });
});

describe('messages that another relay may have taken', () => {
  test('are not delivered before that relay has said so', async (t) => {
    const to = await openSide(t, { name: 'relay-0' });
    const { from, taken, other } = await inDoubt(t, to);
    assert.equal(from.handover.isWithheld(taken), true);
    await until(() => from.resumed.length === 1, { what: 'it is known', ms: PATIENCE_S * 1000 });
    assert.deepEqual([from.ids(), from.handover.isWithheld(other)], [[other], false]);
    assert.deepEqual(to.ids(), [taken]);
    await until(() => to.spool.takenIn(TRANSFER_OF.get(from.folder) ?? '').length === 0, {
      what: 'it is forgotten there',
      ms: PATIENCE_S * 1000,
    });
  });

  test('go out after a while where that relay does not answer, and are counted', async (t) => {
    const to = await openSide(t, { name: 'relay-0' });
    const { from } = await inDoubt(t, to, { isGone: true, unsureMs: 10 });
    await until(() => from.resumed.length === 2, { what: 'they are given up', ms: PATIENCE_S * 1000 });
    assert.equal(await metricValue(from.metrics, 'handover_unsure_total'), 2);
    assert.equal(from.ids().length, 2);
  });

  test('wait for a relay that is away for a moment, however long ago the transfer began', async (t) => {
    const to = await openSide(t, { name: 'relay-0' });
    const { from } = await inDoubt(t, to, { isGone: true, begun: '2020-01-01T00:00:00Z' });
    await from.handover.run(SHORT_MS);
    assert.deepEqual([from.resumed, from.spool.transfers.all().length], [[], 1]);
  });

  test('are given up by one that begins anew in each round, too', async (t) => {
    const to = await openSide(t, { name: 'relay-0' });
    const unsureMs = 3000;
    const { from } = await inDoubt(t, to, { isGone: true, unsureMs });
    let round = from;
    await until(
      async () => {
        await round.handover.run(1);
        if (round.spool.transfers.all().length === 0) return true;
        await round.close();
        round = await openSide(t, {
          name: 'relay-1',
          folder: from.folder,
          peers: [to.address],
          isTaking: false,
          unsureMs,
        });
        return false;
      },
      { what: 'they are given up', ms: PATIENCE_S * 1000 },
    );
    assert.equal(round.ids().length, 2);
  });

  test('wait for as long as that relay may come back', async (t) => {
    const to = await openSide(t, { name: 'relay-0' });
    const { from, taken } = await inDoubt(t, to, { isGone: true });
    await from.handover.run(SHORT_MS);
    assert.deepEqual(from.resumed, []);
    assert.equal(from.ids().includes(taken), true);
    assert.equal(from.spool.transfers.all().length, 1);
  });
});

type Side = Awaited<ReturnType<typeof openSide>>;

const TRANSFER_OF = new Map<string, string>();

/** A relay that was killed after another one had taken one of its two messages, and that runs again. */
async function inDoubt(
  t: TestContext,
  to: Side,
  { isGone = false, unsureMs, begun }: { isGone?: boolean; unsureMs?: number; begun?: string } = {},
) {
  const before = await openSide(t, { name: 'relay-1', isTaking: false });
  const [taken, other] = [await put(before), await put(before)];
  const transfer = await before.spool.transfers.open('relay-0', [taken.id, other.id]);
  await to.spool.adopt(taken, inMemory(), transfer.id);
  TRANSFER_OF.set(before.folder, transfer.id);
  await before.close();
  if (begun !== undefined) {
    const file = path.join(before.folder, 'handing-over', `${transfer.id}.json`);
    await writeFile(file, JSON.stringify({ ...transfer, begun }));
  }
  if (isGone) await to.close();
  const { folder } = before;
  const from = await openSide(t, {
    name: 'relay-1',
    folder,
    peers: [to.address],
    isTaking: false,
    ...(unsureMs !== undefined && { unsureMs }),
  });
  return { from, taken: taken.id, other: other.id };
}

/** Of somebody without the key, who says nothing. */
async function silentConnection(t: TestContext, { address }: Side): Promise<Socket> {
  const socket = connectPlain(address);
  t.after(() => socket.destroy());
  socket.on('error', () => undefined);
  // else it would stay half open
  socket.resume();
  await once(socket, 'connect');
  return socket;
}

async function put({ spool }: Pick<Side, 'spool'>, message = aMessage()): Promise<QueuedMessage> {
  await spool.put(message, inMemory());
  const found = await spool.read(message.id);
  return found?.queued ?? assert.fail('it is not in the spool');
}

async function putMany(side: Side, count: number): Promise<readonly string[]> {
  const all = await Promise.all(Array.from({ length: count }, () => put(side)));
  return all.map(({ id }) => id).toSorted();
}
