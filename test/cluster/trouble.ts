/** What goes wrong, or is changed, while mail comes in. */
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { execFile } from 'node:child_process';
import { describe, test } from 'node:test';
import { connect, type PeerCertificate } from 'node:tls';
import { promisify } from 'node:util';
import { until } from '../support/eventually.ts';
import { NAMESPACE, upgrade } from './install.ts';
import { forward, kubectl } from './kubectl.ts';
import { send } from './programs.ts';
import { inRelay, readinessOf } from './relays.ts';
import {
  allArrived,
  FROM,
  heardIn,
  PASSING,
  patchOrders,
  setActive,
  SETTLED_MS,
  SHOP,
  underLoad,
  untilProgrammed,
} from './shop.ts';

const PODS = ['smtp-plus-relay-0', 'smtp-plus-relay-1'];
const OPERATOR = 'deployment/smtp-plus-operator';
const AWAY_MS = 60_000;
/** kubectl waits for longer than this for an API server that says nothing. */
const API_AWAY_MS = 30_000;
const API_COMMAND = process.env['API_SERVER_COMMAND'];
/** Many messages are tried while it lasts. */
const FULL_MS = 3000;
const FULL = /^ok, but the spool is full: mail is refused with 452/;
const ROOM = { name: 'room', emptyDir: { medium: 'Memory', sizeLimit: '192Mi' } };

describe('mail goes on on a real cluster', () => {
  test('while the authority of the relays is replaced: each client trusts them by its Secret at all times', async (t) => {
    const before = await certificates();
    const replies = await underLoad(
      async () => {
        await kubectl(['delete', 'secret', '-n', NAMESPACE, 'smtp-plus-default-authority']);
        await until(async () => (await certificates()).every((one, index) => one !== before[index]), {
          ms: 2 * SETTLED_MS,
        });
      },
      { isEachAnew: true },
    );
    assert.deepEqual(heardIn(replies), []);
    t.diagnostic(await allArrived(replies));
  });

  test('while no operator is there, and what was changed meanwhile is in force once it is back', async (t) => {
    try {
      const replies = await underLoad(async () => {
        await kubectl(['scale', '-n', NAMESPACE, OPERATOR, '--replicas=0']);
        const gone = ['wait', '--for=delete', 'pod', '-l', 'app.kubernetes.io/name=smtp-plus-operator'];
        await kubectl([...gone, '-n', NAMESPACE, '--timeout=120s']);
        await sleep(AWAY_MS);
      });
      assert.deepEqual(heardIn(replies), []);
      t.diagnostic(await allArrived(replies));
      await patchOrders({ active: false });
      assert.match(await replyNow(), /^250 /);
    } finally {
      await kubectl(['scale', '-n', NAMESPACE, OPERATOR, '--replicas=2']);
    }
    try {
      await untilProgrammed();
      assert.match(await replyNow(), /^525 5\.7\.13 /);
    } finally {
      await setActive(true);
    }
  });

  test('while the API server does not answer, and the operator does its work once it does', async (t) => {
    if (API_COMMAND === undefined) {
      process.stderr.write('SKIPPED: API_SERVER_COMMAND does not say how to stop the API server\n');
      t.skip('API_SERVER_COMMAND not set');
      return;
    }
    const away = { from: 0, to: 0 };
    const replies = await underLoad(async () => {
      await signalApi('STOP');
      away.from = Date.now();
      try {
        await assert.rejects(kubectl(['get', '--raw', '/readyz', '--request-timeout=5s']));
        await sleep(API_AWAY_MS);
      } finally {
        away.to = Date.now();
        await signalApi('CONT');
      }
    });
    assert.deepEqual(heardIn(replies), []);
    const meanwhile = replies.filter(({ time }) => time > away.from && time < away.to).length;
    assert.ok(meanwhile > 0);
    t.diagnostic(`${await allArrived(replies)}; ${meanwhile} while it was away`);
    await setActive(false);
    await setActive(true);
  });

  test('while an upgrade of the chart replaces operator and relays', async (t) => {
    const before = await uids();
    const replies = await underLoad(async () => {
      try {
        await upgrade({ commonLabels: { upgraded: 'yes' } });
        const after = await uids();
        assert.deepEqual([after.length, after.filter((one) => before.includes(one))], [4, []]);
      } finally {
        await upgrade();
      }
    });
    const heard = heardIn(replies);
    t.diagnostic(`heard besides: ${heard.join(' | ')}`);
    assert.deepEqual(
      heard.filter((words) => !PASSING.test(words)),
      [],
    );
    t.diagnostic(await allArrived(replies));
  });

  test('once there is room again in volumes that were full', async (t) => {
    await upgrade({
      relays: {
        extraVolumes: [ROOM],
        extraVolumeMounts: [{ name: ROOM.name, mountPath: '/var/spool/smtp-plus/spool' }],
      },
    });
    try {
      const replies = await underLoad(async () => {
        await Promise.all(PODS.map((pod) => inRelay(pod, FILL)));
        await until(async () => (await readiness()).every((words) => FULL.test(words)), { ms: SETTLED_MS });
        await sleep(FULL_MS);
        await Promise.all(PODS.map((pod) => inRelay(pod, EMPTY)));
        await until(async () => (await readiness()).every((words) => words.trim() === 'ok'), { ms: SETTLED_MS });
      });
      const heard = heardIn(replies);
      t.diagnostic(`heard meanwhile: ${heard.join(' | ')}`);
      assert.ok(heard.length > 0);
      assert.deepEqual(
        heard.filter((words) => !words.startsWith('452 4.3.1 ')),
        [],
      );
      t.diagnostic(await allArrived(replies));
    } finally {
      await upgrade();
    }
  });
});

async function signalApi(signal: 'STOP' | 'CONT'): Promise<void> {
  await promisify(execFile)('sh', ['-c', `${API_COMMAND} ${signal}`]);
}

const BALLAST = "'/var/spool/smtp-plus/spool/ballast'";
const FILL = `const file = fs.openSync(${BALLAST}, 'w'); const some = Buffer.alloc(65536);
try { for (;;) fs.writeSync(file, some); } catch ({ code }) { if (code !== 'ENOSPC') throw code; }`;
const EMPTY = `fs.rmSync(${BALLAST})`;
function readiness(): Promise<string[]> {
  return Promise.all(PODS.map(readinessOf));
}

async function replyNow(): Promise<string> {
  const [one] = await send(SHOP, { kind: 'each', ports: [{ port: 587 }], from: FROM });
  return one?.reply ?? '';
}

async function uids(): Promise<string[]> {
  const pods = await kubectl(['get', 'pods', '-n', NAMESPACE, '--output', 'jsonpath={.items[*].metadata.uid}']);
  return pods.split(' ');
}

/** What each relay shows to clients that come now. */
function certificates(): Promise<string[]> {
  return Promise.all(PODS.map(fingerprint));
}

async function fingerprint(pod: string): Promise<string> {
  const { port, close } = await forward(NAMESPACE, `pod/${pod}`, 465);
  try {
    return await new Promise((resolve, reject) => {
      const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false }, () => {
        const { fingerprint256 }: PeerCertificate = socket.getPeerCertificate();
        socket.destroy();
        resolve(fingerprint256);
      }).on('error', reject);
    });
  } finally {
    close();
  }
}
