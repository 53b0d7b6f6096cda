/** What people run and open: the commands from outside by a kubeconfig, and the console. */
import assert from 'node:assert/strict';
import { chmod, readFile, symlink } from 'node:fs/promises';
import path from 'node:path';
import { before, describe, test } from 'node:test';
import { bundle, PROGRAMS } from '../../tools/bundle.ts';
import { jsonOf, runCommand, type CommandRun } from '../support/command.ts';
import { run } from '../support/commands.ts';
import { until } from '../support/eventually.ts';
import { folderOf } from '../support/folder.ts';
import { accountWith, forward, kubectl } from './kubectl.ts';
import { NAMESPACE } from './install.ts';
import type { Reply } from './pods/jobs.ts';
import { send, setSmartHost } from './programs.ts';
import { arrived, countOf, FROM, SETTLED_MS, SHOP } from './shop.ts';

const OPERATOR = 'deployment/smtp-plus-operator';
const ELSEWHERE = 'blog';

interface Listed {
  readonly messages: readonly { readonly id: string; readonly state: string; readonly pod: string }[];
}

describe('commands on a real cluster', () => {
  test('tell what is ready and what is not, as a plugin of kubectl, too', async (t) => {
    const notReady = /^KIND +READY +NOT READY +UNKNOWN$[^]*^ {2}SmtpPlusUser shop\/campaigns: ListSuspended$/m;
    assert.match(await told(['status']), notReady);
    assert.match(
      await told(['users']),
      /^shop\/orders +orders\.shop +shop\/transactional +yes +(?:\S+ )*@shop\.example /m,
    );
    const senders = await told(['senders']);
    assert.match(senders, /^shop\/shop-example +@shop\.example +yes +Grandfathered /m);
    assert.match(senders, /_smtpplus-challenge\.shop\.example\. TXT "smtpplus-verification=/);
    const plugin = await pluginFolder(t);
    const env = { ...process.env, PATH: `${plugin}:${path.dirname(process.execPath)}:${process.env['PATH']}` };
    assert.match((await run('kubectl', ['smtpplus', 'status'], { env })).stdout, notReady);
  });

  test('find nothing wrong with what is in the cluster', async () => {
    const objects = await kubectl(['get', 'spl,spu,vsender', '-n', SHOP, '-o', 'yaml']);
    const { code, stdout, stderr } = await runCommand(['check', '-'], { stdin: objects });
    assert.equal(code, 0, stdout + stderr);
  });

  test('send a mail as an application would, with the password that they print and with a new one', async () => {
    const { port, close } = await forward(NAMESPACE, 'service/smtp-plus-relay', 587);
    try {
      const test = ['send-test', `${SHOP}/orders`, 'ann@elsewhere.example', '--server', `localhost:${port}`];
      assert.match(await told(test), /^The relay answered: 250 /m);
      const old = await told(['password', `${SHOP}/orders`]);
      assert.equal(old, `${await passwordInSecret()}\n`);
      assert.match(await told(['rotate', `${SHOP}/orders`]), /has a new password\. The old one is valid until /);
      const lines = await told(['password', `${SHOP}/orders`, '-o', 'env']);
      assert.ok(lines.includes(`export SMTP_PASSWORD='${await passwordInSecret()}'`));
      assert.notEqual(`${await passwordInSecret()}\n`, old);
      assert.match(await told(test), /^The relay answered: 250 /m);
    } finally {
      close();
    }
  });

  test('look after mail that waits, for whoever has the role of the chart for it and no other', async (t) => {
    const { kubeconfig } = await accountWith('Role/smtp-plus-queue', { namespace: NAMESPACE, name: 'postmaster' });
    const folder = await folderOf(t, { kubeconfig });
    const env = { KUBECONFIG: path.join(folder, 'kubeconfig') };
    const queue = (...args: string[]): Promise<string> => told(['queue', ...args], { env });
    await setSmartHost(false);
    try {
      const replies: Reply[] = [];
      const [kept, dropped] = await until(
        async () => {
          // a relay may still have a connection to the smart host
          replies.push(...(await send(SHOP, { kind: 'each', ports: [{ port: 587 }, { port: 587 }], from: FROM })));
          const { messages } = await jsonOf<Listed>(['queue', 'list'], { env, cwd: folder });
          const [one, other] = messages.filter(({ id }) => replies.some(({ reply }) => reply.endsWith(id)));
          return one && other && [one.id, other.id];
        },
        { ms: SETTLED_MS },
      );
      const testIdOf = (id: string) => replies.find(({ reply }) => reply.endsWith(id))?.id ?? assert.fail(id);
      assert.match(await queue('show', kept), /^ {2}User: orders\.shop$/m);
      assert.match(await queue('hold', kept), /^1 message held$/m);
      assert.match(await queue('retry', kept), /^0 messages tried now; 1 left as they were: they are held/m);
      assert.match(await queue('drop', dropped, '--yes'), /^1 message dropped$/m);
      await queue('export', kept, '--to', folder);
      const copy = await readFile(path.join(folder, `${kept}.eml`), 'utf8');
      assert.match(copy, new RegExp(`^X-Test-Id: ${testIdOf(kept)}\r$`, 'im'));
      await setSmartHost(true);
      const held = await queue('list', '--only', 'held');
      assert.deepEqual([held.includes(kept), held.includes(dropped)], [true, false]);
      assert.match(await told(['why', kept], { env }), new RegExp(`^${kept}: in the queue, held by `));
      await queue('release', kept);
      await arrived(testIdOf(kept));
      assert.deepEqual(await countOf([kept, dropped].map(testIdOf)), [1, 0]);
      assert.match(await told(['why', kept], { env }), new RegExp(`^${kept}: not in the queue; last: `));
      const operator = await kubectl([
        'get',
        'pods',
        '-n',
        NAMESPACE,
        '-l',
        'app.kubernetes.io/name=smtp-plus-operator',
        '-o',
        'jsonpath={.items[0].metadata.name}',
      ]);
      const inside = ['--kubeconfig', env.KUBECONFIG, 'exec', '-n', NAMESPACE, operator, '--', '/usr/bin/node', '-v'];
      await assert.rejects(kubectl(inside), /cannot create resource "pods\/exec"/);
    } finally {
      await setSmartHost(true);
    }
  });

  /** From outside, and away from any process on this machine that the commands would look at first. */
  async function told(args: readonly string[], { env = {} }: { readonly env?: NodeJS.ProcessEnv } = {}) {
    const { code, stdout, stderr }: CommandRun = await runCommand(args, { env, cwd: import.meta.dirname });
    assert.equal(code, 0, `${args.join(' ')}: ${stdout}${stderr}`);
    return stdout;
  }
});

describe('the console on a real cluster', () => {
  let tenant: string;
  let stranger: string;
  before(async () => {
    const account = { namespace: SHOP, name: 'reader' };
    tenant = (await accountWith('ClusterRole/smtp-plus-view', account)).token;
    await kubectl(['create', 'namespace', ELSEWHERE]);
    stranger = (await accountWith('ClusterRole/smtp-plus-view', { ...account, namespace: ELSEWHERE })).token;
  });

  test('shows tenants what is in their namespaces and nothing of others, and nobody who does not say who they are', async (t) => {
    t.after(() => kubectl(['delete', 'namespace', ELSEWHERE]));
    const { port, close } = await forward(NAMESPACE, OPERATOR, 9465);
    t.after(close);
    const page = async (where: string, token?: string) => {
      const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
      const response = await fetch(`http://127.0.0.1:${port}/console${where}`, { headers });
      return { status: response.status, text: await response.text() };
    };
    for (const [where, words] of [
      ['/', /system:serviceaccount:shop:reader/],
      ['/users', /shop\/orders/],
      ['/users/shop/orders', /orders\.shop/],
      ['/lists', /shop\/transactional/],
      ['/senders', /@shop\.example/],
      ['/refusals', /ceo@|Refusals/],
      ['/queue', /Queue/],
    ] as const) {
      const { status, text } = await page(where, tenant);
      assert.deepEqual([status, words.test(text)], [200, true], where);
      assert.doesNotMatch(
        (await page(where, stranger)).text,
        /orders\.shop|shop\/orders|shop\/transactional|@shop\.example/,
      );
      assert.equal((await page(where)).status, 401);
    }
    assert.doesNotMatch((await page('/relays', tenant)).text, /smtp-plus-relay-0/);
  });
});

async function passwordInSecret(): Promise<string> {
  const path = 'jsonpath={.data.password}';
  const encoded = await kubectl(['get', 'secret', 'orders-smtp', '-n', SHOP, '-o', path]);
  return Buffer.from(encoded, 'base64').toString();
}

/** With the program as the package has it, under the name by which kubectl finds it. */
async function pluginFolder(t: Parameters<typeof folderOf>[0]): Promise<string> {
  const folder = await folderOf(t, { 'package.json': '{"type":"module"}' });
  await bundle(PROGRAMS, folder);
  await chmod(path.join(folder, 'cli.js'), 0o755);
  await symlink('cli.js', path.join(folder, 'kubectl-smtpplus'));
  return folder;
}
