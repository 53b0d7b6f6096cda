/** Logging in to smart hosts with access tokens: asked for, shared, renewed, and never told to anybody else. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import type { SmartHost } from '../../relay/config/config.ts';
import { closedPort, configured, emptied, said, startDelivering } from '../support/delivering.ts';
import { until } from '../support/eventually.ts';
import { folderOf } from '../support/folder.ts';
import { CLIENT, issue, startOAuthHost, startTokenServer, USER } from '../support/oauth.ts';
import { aMessage, inMemory } from '../support/queued.ts';

const NO_RETRY = { retryFirstSeconds: 3600, retryMostSeconds: 3600 };

async function deferredBy(t: TestContext, host: SmartHost): Promise<string> {
  const relay = await startDelivering(t, configured(host, { settings: NO_RETRY }));
  await relay.spool.put(aMessage(), inMemory());
  await until(() => said(relay, 'deferred').length > 0, { what: 'it is deferred' });
  assert.equal(relay.left().length, 1);
  assert.equal(said(relay, 'bounced').length, 0);
  const told = JSON.stringify([relay.lines, relay.delivery.upstreams()]);
  assert.ok(!told.includes(CLIENT.clientSecret) && !told.includes('token.1'), told);
  return String(said(relay, 'deferred')[0]?.['reply']);
}

for (const mechanism of ['XOAUTH2', 'OAUTHBEARER'] as const) {
  test(`${mechanism}: one token for all connections, asked for with client id, secret and scope`, async (t) => {
    const tokens = await startTokenServer(t);
    const host = await startOAuthHost(t, { mechanism, knows: (token) => token === 'token.1' });
    const relay = await startDelivering(t, configured(host.smartHost(tokens.url, { messagesPerConnection: 1 })));
    await Promise.all(Array.from({ length: 6 }, () => relay.spool.put(aMessage(), inMemory())));
    await emptied(relay);
    assert.deepEqual([host.messages(), host.connections(), host.logins.length], [6, 6, 6]);
    assert.deepEqual(tokens.asked, [
      {
        grant_type: 'client_credentials',
        client_id: CLIENT.clientId,
        client_secret: CLIENT.clientSecret,
        scope: CLIENT.scope,
      },
    ]);
  });
}

for (const mechanism of ['XOAUTH2', 'OAUTHBEARER'] as const) {
  test(`${mechanism}: a token too long for a command line goes in a line of its own, and may be refused there`, async (t) => {
    const long = `${'x'.repeat(2000)}.1`;
    const tokens = await startTokenServer(t, (_form, response) => issue(response, long));
    let isKnown = false;
    const host = await startOAuthHost(t, { mechanism, knows: (token) => isKnown && token === long });
    const relay = await startDelivering(t, configured(host.smartHost(tokens.url)));
    await relay.spool.put(aMessage(), inMemory());
    await until(() => said(relay, 'deferred').length > 0, { what: 'it is refused' });
    assert.match(String(said(relay, 'deferred')[0]?.['reply']), /log-in refused with 535 5\.7\.3$/);
    isKnown = true;
    await emptied(relay);
    assert.equal(host.messages(), 1);
  });
}

test('a token that the smart host does not take any more is replaced once, and mail goes on at once', async (t) => {
  const tokens = await startTokenServer(t);
  let isTakenBack = false;
  const host = await startOAuthHost(t, { knows: (token) => token === (isTakenBack ? 'token.2' : 'token.1') });
  const config = configured(host.smartHost(tokens.url, { messagesPerConnection: 1 }), { settings: NO_RETRY });
  const relay = await startDelivering(t, config);
  await relay.spool.put(aMessage(), inMemory());
  await emptied(relay);
  isTakenBack = true;
  await relay.spool.put(aMessage(), inMemory());
  await emptied(relay);
  assert.deepEqual(said(relay, 'deferred'), []);
  assert.deepEqual([host.messages(), tokens.issued.length, host.logins.length], [2, 2, 3]);
});

test('a smart host that takes no token makes mail wait: two are tried, and no more until the next attempt', async (t) => {
  const tokens = await startTokenServer(t);
  const host = await startOAuthHost(t, { knows: () => false });
  assert.match(await deferredBy(t, host.smartHost(tokens.url)), /log-in refused with 535 5\.7\.3$/);
  assert.equal(tokens.issued.length, 2);
  assert.ok(host.logins.every((login) => login.includes(USER)));
});

test('a smart host that forgets who we are gets a new connection for the next message', async (t) => {
  const tokens = await startTokenServer(t);
  let isLost = false;
  const host = await startOAuthHost(t, { knows: () => true, forgets: () => isLost });
  const relay = await startDelivering(t, configured(host.smartHost(tokens.url, { maxConnections: 1 })));
  await relay.spool.put(aMessage(), inMemory());
  await emptied(relay);
  isLost = true;
  await relay.spool.put(aMessage(), inMemory());
  await until(() => said(relay, 'deferred').length > 0, { what: 'it is told' });
  isLost = false;
  await emptied(relay);
  assert.equal(host.connections(), 2);
});

describe('with a client assertion', () => {
  test('the file is read for each token, so that a new one counts', async (t) => {
    const file = path.join(await folderOf(t), 'token');
    await writeFile(file, 'first.assertion\n');
    const tokens = await startTokenServer(t);
    let isTakenBack = false;
    const host = await startOAuthHost(t, { knows: (token) => token === (isTakenBack ? 'token.2' : 'token.1') });
    const { clientSecret: _, ...client } = CLIENT;
    const oauth2 = { ...client, assertionFile: file, tokenUrl: tokens.url, user: USER };
    const config = configured(host.smartHost(tokens.url, { oauth2, messagesPerConnection: 1 }));
    const relay = await startDelivering(t, config);
    await relay.spool.put(aMessage(), inMemory());
    await emptied(relay);
    await writeFile(file, 'second.assertion\n');
    isTakenBack = true;
    await relay.spool.put(aMessage(), inMemory());
    await emptied(relay);
    assert.deepEqual(
      tokens.asked.map((form) => [form['client_assertion'], form['client_assertion_type'], form['client_secret']]),
      ['first.assertion', 'second.assertion'].map((one) => [
        one,
        'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
        undefined,
      ]),
    );
  });

  test('that is not there, mail waits, and the log names the file', async (t) => {
    const tokens = await startTokenServer(t);
    const host = await startOAuthHost(t, { knows: () => true });
    const { clientSecret: _, ...client } = CLIENT;
    const oauth2 = { ...client, assertionFile: '/nowhere/token', tokenUrl: tokens.url, user: USER };
    const reply = await deferredBy(t, host.smartHost(tokens.url, { oauth2 }));
    assert.equal(reply, 'no access token: /nowhere/token cannot be read (ENOENT)');
    assert.deepEqual(tokens.asked, []);
  });
});

describe('a token server', () => {
  for (const [what, answer, problem] of [
    [
      'that refuses the client',
      (_form, response) =>
        response.writeHead(401).end('{"error":"invalid_client","error_description":"client secret"}'),
      /answered 401 invalid_client$/,
    ],
    [
      'that is out of order',
      (_form, response) => response.writeHead(503).end('<html>'),
      /answered 503 without a token$/,
    ],
    ['whose answer is no token', (_form, response) => response.end('{}'), /answered 200 without a token$/],
    [
      'whose token would end its field of the log-in',
      (_form, response) => issue(response, 'a\x01user=ceo'),
      /answered 200 without a token$/,
    ],
    [
      'that sends us elsewhere',
      (_form, response) => response.writeHead(307, { location: 'https://localhost:1/' }).end(),
      /answered 307 without a token$/,
    ],
    [
      'that answers without end',
      (_form, response) => {
        response.on('drain', () => response.write('x'.repeat(65_536)));
        response.write('x'.repeat(65_536));
      },
      /answers without end$/,
    ],
    [
      'that closes in its answer',
      (_form, response) => (response.write('{'), response.destroy()),
      /no access token: localhost/,
    ],
  ] as const satisfies readonly (readonly [string, Parameters<typeof startTokenServer>[1], RegExp])[]) {
    test(`${what} makes mail wait, and its words are not told`, async (t) => {
      const tokens = await startTokenServer(t, answer);
      const host = await startOAuthHost(t, { knows: () => true });
      assert.match(await deferredBy(t, host.smartHost(tokens.url)), problem);
      assert.equal(host.connections(), 0);
    });
  }

  test('that nobody vouches for is not told the secret', async (t) => {
    const tokens = await startTokenServer(t);
    const host = await startOAuthHost(t, { knows: () => true });
    assert.match(
      await deferredBy(t, host.smartHost(tokens.url, { ca: undefined })),
      /no access token: localhost:\d+: /,
    );
    assert.deepEqual(tokens.asked, []);
  });

  test('that is down makes mail wait without a try for each message, and mail flows once it is back', async (t) => {
    let isDown = true;
    const tokens = await startTokenServer(t, (_form, response, token) => {
      if (isDown) response.writeHead(503).end();
      else issue(response, token);
    });
    const host = await startOAuthHost(t, { knows: () => true });
    const relay = await startDelivering(t, configured(host.smartHost(tokens.url)));
    await Promise.all(Array.from({ length: 50 }, () => relay.spool.put(aMessage(), inMemory())));
    await until(() => said(relay, 'deferred').length >= 3, { what: 'some are deferred' });
    assert.ok(tokens.asked.length < 10, `${tokens.asked.length} requests`);
    isDown = false;
    await emptied(relay);
    assert.equal(host.messages(), 50);
    assert.equal(said(relay, 'bounced').length, 0);
  });

  test('is found as smart hosts are, so that its name servers hold up nobody else', async (t) => {
    const tokens = await startTokenServer(t);
    const host = await startOAuthHost(t, { knows: () => true });
    const names: string[] = [];
    const lookup = (name: string) => {
      names.push(name);
      return Promise.resolve([{ address: '127.0.0.1' }]);
    };
    const config = configured(host.smartHost(tokens.url, { host: '127.0.0.1', serverName: 'localhost' }));
    const relay = await startDelivering(t, config, { lookup });
    await relay.spool.put(aMessage(), inMemory());
    await emptied(relay);
    assert.deepEqual(names, ['localhost']);
  });

  test('whose name is not found makes mail wait', async (t) => {
    const host = await startOAuthHost(t, { knows: () => true });
    const lookup = () => Promise.reject(Object.assign(new Error('queryA ENOTFOUND'), { code: 'ENOTFOUND' }));
    const relay = await startDelivering(
      t,
      configured(host.smartHost('https://login.example/token', { host: '127.0.0.1', serverName: 'localhost' }), {
        settings: NO_RETRY,
      }),
      { lookup },
    );
    await relay.spool.put(aMessage(), inMemory());
    await until(() => said(relay, 'deferred').length > 0, { what: 'it is deferred' });
    assert.equal(said(relay, 'deferred')[0]?.['reply'], 'no access token: login.example: ENOTFOUND');
  });

  test('that cannot be reached makes mail wait', async (t) => {
    const host = await startOAuthHost(t, { knows: () => true });
    const url = `https://localhost:${await closedPort()}/token`;
    assert.match(await deferredBy(t, host.smartHost(url)), /no access token: localhost:\d+: ECONNREFUSED$/);
  });
});
