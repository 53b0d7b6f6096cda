/** The console of the operator before an API server that this test plays; a real one is in test/operator/console.test.ts. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { pageRequest } from '../../../test/support/page-request.ts';
import { settingsSchema } from '../../settings/settings.ts';
import type { ApiAnswer } from '../client/answers.ts';
import type { KubeClient } from '../client/client.ts';
import { consoleWhenOn } from './when-on.ts';

/** `USER RESOURCE NAMESPACE` each; `*`: in all namespaces. */
type Rights = readonly string[];

interface ReviewSpec {
  readonly token?: string;
  readonly user?: string;
  readonly groups?: readonly string[];
  readonly resourceAttributes?: { readonly namespace?: string; readonly resource: string };
}

function playedClient(rights: () => Rights) {
  const requests: string[] = [];
  const answerTo = (path: string, spec: ReviewSpec): unknown => {
    if (path.endsWith('/tokenreviews')) {
      const username = /^token-of-(.+)$/.exec(spec.token ?? '')?.[1];
      return { status: username === undefined ? {} : { authenticated: true, user: { username } } };
    }
    if (path.endsWith('/subjectaccessreviews')) {
      const { namespace = '*', resource } = spec.resourceAttributes ?? { resource: '' };
      const names = [spec.user, ...(spec.groups ?? [])];
      return { status: { allowed: names.some((name) => rights().includes(`${name} ${resource} ${namespace}`)) } };
    }
    const [, inNamespace, resource = ''] =
      /^\/apis\/[^/]+\/[^/]+(?:\/namespaces\/([^/]+))?\/([a-z]+)\?/.exec(path) ?? [];
    const places = inNamespace === undefined ? ['shop', 'blog'] : [inNamespace];
    const items = places.map((namespace) => ({ metadata: { namespace, name: `${resource}-of-${namespace}` } }));
    return { items, metadata: {} };
  };
  const client: KubeClient = {
    request: async <T>({ path, body }: { path: string; body?: unknown }) => {
      requests.push(path);
      const { spec = {} } = (body ?? {}) as { spec?: ReviewSpec };
      return { ok: true, status: 200, body: answerTo(path, spec) } as ApiAnswer<T>;
    },
    watch: () => assert.fail(),
    lines: () => assert.fail(),
    close: () => undefined,
  };
  return { client, requests };
}

function start(rights: Rights, settings: object = {}, inUse: readonly string[] = ['shop', 'blog']) {
  const { client, requests } = playedClient(() => rights);
  const inForce = settingsSchema.parse({ console: { enabled: true, trustedProxies: ['10.0.0.0/8'], ...settings } });
  const troubles: string[] = [];
  const pages = consoleWhenOn({
    client,
    namespace: 'smtp-plus',
    settings: () => inForce,
    namespacesInUse: () => inUse,
    askRelays: async () => [],
    onTrouble: (message) => troubles.push(message),
    // nobody regains what he has used up, however slow the machine is
    now: () => 0,
  });
  const ask = async (path: string, headers: Record<string, string> = {}, remoteAddress = '192.0.2.1') => {
    const [pathname = '', query = ''] = path.split('?');
    const more = { headers, remoteAddress, query: new URLSearchParams(query) };
    const answer = (await pages(pageRequest(`/console${pathname}`, more))) ?? assert.fail();
    return { ...answer, text: String(answer.body) };
  };
  return { ask, pages, requests, troubles };
}

const asUser = (name: string) => ({ authorization: `Bearer token-of-${name}` });
const OF_JANE = ['jane smtpplususers shop', 'jane smtppluslists shop'];

describe('the console of the operator', () => {
  test('is not there unless it is enabled', async () => {
    const { pages, requests } = start(OF_JANE, { enabled: false });
    assert.equal(await pages(pageRequest('/console/users', { headers: asUser('jane') })), undefined);
    assert.deepEqual(requests, []);
  });

  test('shows the kinds and namespaces that somebody may list, and asks for no other', async () => {
    const { ask, requests, troubles } = start(OF_JANE);
    const { text, status } = await ask('/users', asUser('jane'));
    assert.equal(status, 200);
    assert.match(text, /users\/shop\/smtpplususers-of-shop/);
    assert.match((await ask('/senders', asUser('jane'))).text, /No senders yet/);
    assert.ok(requests.every((path) => !path.includes('/namespaces/blog/') && !path.includes('/verifiedsenders?')));
    assert.deepEqual(troubles, []);
  });

  test('finds nothing where somebody asks for a namespace of others, and reads nothing there', async () => {
    const { ask, requests } = start(OF_JANE);
    for (const path of ['/users?namespace=blog', '/users/blog/smtpplususers-of-blog', '/?namespace=blog', '/relays']) {
      assert.doesNotMatch((await ask(path, asUser('jane'))).text, /of-blog/, path);
    }
    assert.ok(requests.every((path) => !path.includes('blog')));
  });

  test('reviews the namespace that is asked for, and no other', async () => {
    const { ask, requests } = start(OF_JANE);
    assert.match((await ask('/users?namespace=shop', { 'x-forwarded-user': 'jane' }, '10.0.0.1')).text, /of-shop/);
    // of each kind, in the cluster and there, and the pods
    assert.equal(requests.filter((path) => path.endsWith('/subjectaccessreviews')).length, 3 * 2 + 1);
  });

  test('reviews some hundred namespaces in a view, and lets whoever has others name one', async () => {
    const names = Array.from({ length: 1000 }, (_, index) => `team-${index}`);
    const { ask, requests } = start(['jane smtpplususers team-999'], {}, names);
    const askAsJane = (path: string) => ask(path, { 'x-forwarded-user': 'jane' }, '10.0.0.1');
    assert.match((await askAsJane('/users')).text, /<input id="namespace" name="namespace"[^]*choose a namespace/);
    assert.equal(requests.filter((path) => path.endsWith('/subjectaccessreviews')).length, 3 * 201 + 1);
    assert.match((await askAsJane('/users?namespace=team-999')).text, /smtpplususers-of-team-999/);
  });

  test('makes one page at a time for somebody, lets a few wait, and none of another one', async () => {
    const { ask, troubles } = start([...OF_JANE, 'joe smtpplususers shop']);
    const askAs = (name: string) => ask('/users', { 'x-forwarded-user': name }, '10.0.0.1');
    const [ofJoe, ...ofJane] = await Promise.all([askAs('joe'), ...Array.from({ length: 20 }, () => askAs('jane'))]);
    assert.equal(ofJoe.status, 200);
    assert.equal(ofJane.filter(({ status }) => status === 200).length, 6);
    assert.equal(ofJane.filter(({ status }) => status === 429).length, 14);
    assert.deepEqual(troubles, []);
  });

  test('lets whoever makes up tokens use up the reviews of its own address only', async () => {
    const { ask } = start(OF_JANE);
    const guess = async (from: string, fields: Record<string, string> = {}) => {
      const tried = [];
      for (let i = 0; i < 70; i++) {
        tried.push((await ask('/', { authorization: `Bearer ${from}-${i}`, ...fields }, from)).status);
      }
      assert.ok(tried.includes(429));
    };
    await guess('192.0.2.66');
    assert.equal((await ask('/', asUser('jane'), '192.0.2.1')).status, 200);
    assert.equal((await ask('/', asUser('joe'), '192.0.2.66')).status, 429);
    await guess('10.0.0.1', { 'x-forwarded-for': '192.0.2.9, 192.0.2.67, 10.0.0.2' });
    const fields = (origin: string) => ({ ...asUser('ann'), 'x-forwarded-for': origin });
    assert.equal((await ask('/', fields('192.0.2.67'), '10.0.0.1')).status, 429);
    assert.equal((await ask('/', fields('192.0.2.9'), '10.0.0.1')).status, 200);
  });

  test('says in a plain sentence that too many ask where lists wait in numbers', async () => {
    const names = Array.from({ length: 100 }, (_, index) => `team-${index}`);
    const { ask, troubles } = start(
      names.map((name) => `${name} smtpplususers ${name}`),
      {},
      names,
    );
    const answers = await Promise.all(names.map((name) => ask('/users', { 'x-forwarded-user': name }, '10.0.0.1')));
    const refused = answers.filter(({ status }) => status === 429);
    assert.ok(refused.length > 0 && refused.length < 100);
    assert.match(refused[0]?.text ?? '', /^There are too many requests at the moment\.$/m);
    assert.deepEqual(troubles, []);
  });

  test('reads the whole cluster in one list where somebody may see all of it, and once for a moment', async () => {
    const { ask, requests } = start(['root smtpplususers *', 'root pods smtp-plus']);
    assert.match((await ask('/users', asUser('root'))).text, /of-shop[^]*of-blog/);
    assert.equal((await ask('/relays', asUser('root'))).status, 200);
    assert.equal(requests.filter((path) => path.includes('/smtpplususers?')).length, 1);
  });

  test('takes the word of a proxy from its own addresses alone, and never for a name of the API server’s', async () => {
    const { ask } = start([...OF_JANE, 'team smtpplususers blog', 'system:masters smtpplususers *']);
    const fields = { 'x-forwarded-user': 'jane' };
    assert.match((await ask('/users', fields, '10.1.2.3')).text, /of-shop/);
    assert.match((await ask('/users', fields, '::ffff:10.1.2.3')).text, /of-shop/);
    for (const from of ['192.0.2.1', '11.0.0.1', '::1', 'fe80::1%eth0', '']) {
      assert.equal((await ask('/users', fields, from)).status, 401, from);
    }
    const inTeam = { 'x-forwarded-user': 'joe', 'x-forwarded-groups': 'others, team' };
    assert.match((await ask('/users', inTeam, '10.1.2.3')).text, /of-blog/);
    const master = { 'x-forwarded-user': 'joe', 'x-forwarded-groups': 'system:masters' };
    assert.doesNotMatch((await ask('/users', master, '10.1.2.3')).text, /of-(shop|blog)/);
    assert.equal((await ask('/users', { 'x-forwarded-user': 'system:admin' }, '10.1.2.3')).status, 401);
  });

  test('answers 401 to whoever is nobody, and 429 where tokens are tried in numbers or somebody asks without end', async () => {
    const { ask, requests } = start(OF_JANE);
    assert.equal((await ask('/')).status, 401);
    assert.equal(requests.length, 0);
    const tried = [];
    for (let i = 0; i < 400; i++) tried.push((await ask('/', { authorization: `Bearer guess-${i}` })).status);
    assert.ok(tried.includes(401) && tried.includes(429));
    assert.ok(requests.length < 400);
    const asked = [];
    for (let i = 0; i < 400; i++) asked.push((await ask('/', { 'x-forwarded-user': 'jane' }, '10.0.0.1')).status);
    assert.ok(asked.includes(200) && asked.includes(429));
  });
});
