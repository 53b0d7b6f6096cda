import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { PageRequest } from '../../relay/observe/http.ts';
import { remedies } from '../../relay/remedies.ts';
import { pageRequest } from '../../test/support/page-request.ts';
import { createConsolePages } from './console.ts';
import type { Facts } from './facts.ts';

const TIME = '2026-11-28T08:00:00Z';
const condition = (type: string, status: 'True' | 'False', reason: string, message: string) => ({
  type,
  status,
  reason,
  message,
  lastTransitionTime: TIME,
  observedGeneration: 1,
});
const READY = condition('Ready', 'True', 'Ready', 'In force.');
const ACTIVE = condition('Active', 'True', 'Active', 'It can send.');

const FACTS: Facts = {
  version: '1.2.3',
  lists: [{ namespace: 'shop', name: 'letters', status: { conditions: [READY], users: { total: 2, active: 1 } } }],
  users: [
    {
      namespace: 'shop',
      name: 'orders',
      status: {
        conditions: [READY, ACTIVE],
        username: 'orders.shop',
        list: 'shop/letters',
        secretRef: { name: 'orders-smtp' },
        server: { host: 'smtp.example', ports: [587, 2525], implicitTlsPorts: [465], starttls: 'Required' },
        senders: [{ sender: '@shop.example', state: 'Verified', verifiedBy: 'shop/domain' }],
      },
    },
    {
      namespace: 'shop',
      name: 'news',
      status: {
        conditions: [
          condition('Ready', 'False', 'NoVerifiedSender', 'None of its senders is verified.'),
          condition('Active', 'False', 'NoVerifiedSender', 'It cannot send.'),
        ],
      },
    },
  ],
  senders: [
    {
      namespace: 'shop',
      name: 'domain',
      status: {
        sender: '@shop.example',
        conditions: [condition('Verified', 'False', 'RecordMismatch', 'The record there has the value "old".')],
        challenge: { recordName: '_smtpplus.shop.example', recordType: 'TXT', recordValue: 'smtpplus-proof=abc' },
        dnsRecords: [
          {
            purpose: 'SPF',
            name: 'shop.example',
            type: 'TXT',
            value: 'v=spf1 -all',
            state: 'Missing',
            message: 'Add it.',
          },
        ],
      },
    },
  ],
  isCut: false,
  namespaces: ['blog', 'shop'],
  refusals: { since: TIME, users: { 'shop/orders': { from_not_authorized: 3 } }, nobody: { auth_failed: 2 } },
  queue: {
    oldestTime: TIME,
    smartHosts: [
      {
        name: 'smart.example:587',
        lists: { 'shop/letters': 7 },
        trouble: { since: TIME, time: TIME, error: 'connection refused' },
      },
    ],
  },
  relays: [
    {
      name: 'relay-0',
      isReady: true,
      state: {
        version: '1.2.2',
        class: 'default',
        documents: { 'class.json': 'abcdef0123456789' },
        certificate: 'AA:BB',
      },
    },
  ],
  showsMail: false,
};

function ask(path: string, { facts = FACTS, ...more }: Partial<PageRequest> & { readonly facts?: Facts } = {}) {
  const pages = createConsolePages({ admit: async () => undefined, factsFor: async () => facts });
  return pages(pageRequest(`/console${path}`, more));
}

async function textOf(path: string, facts = FACTS): Promise<string> {
  const answer = await ask(path, { facts });
  assert.equal(answer?.status, 200, path);
  return String(answer?.body);
}

const PATHS = ['/', '/users', '/lists', '/senders', '/refusals', '/queue', '/relays'];
const OBJECTS = ['/users/shop/orders', '/users/shop/news', '/lists/shop/letters', '/senders/shop/domain'];

describe('the console', () => {
  test('says what does not work first, and why', async () => {
    const text = await textOf('/');
    assert.match(text, /2 users, 1 of them active/);
    assert.match(text, /href="\/console\/users\/shop\/news"[^]*NoVerifiedSender[^]*None of its senders is verified\./);
    assert.match(text, /Smart host smart\.example:587[^]*connection refused/);
    assert.doesNotMatch(text, /users\/shop\/orders/);
  });

  test('has a user as one types it into a mail client, and where its password is, never the password', async () => {
    const text = await textOf('/users/shop/orders');
    const shown = text.replace(/<[^>]*>/g, ' ').replace(/\s+/g, ' ');
    for (const words of [
      'Server smtp.example',
      'Port with STARTTLS 587 (or 2525)',
      'STARTTLS, required',
      '465',
      'orders.shop',
    ]) {
      assert.ok(shown.includes(words), `${words}: ${shown}`);
    }
    assert.match(shown, /key password of the Secret orders-smtp in namespace shop/);
  });

  test('has the records of a sender to copy, and what was seen in their place', async () => {
    const text = await textOf('/senders/shop/domain');
    for (const words of [
      '_smtpplus.shop.example',
      'smtpplus-proof=abc',
      'v=spf1 -all',
      'has the value &quot;old&quot;',
    ]) {
      assert.ok(text.includes(words), words);
    }
  });

  test('has refusals by reason, most first, with what to do', async () => {
    const text = await textOf('/refusals');
    assert.match(text, /from_not_authorized[^]*>3<[^]*shop\/orders[^]*auth_failed[^]*>2<[^]*not known/);
    assert.ok(text.includes(remedies.auth_failed));
  });

  test('has what waits by smart host, with its last error, and what each relay runs', async () => {
    assert.match(
      await textOf('/queue'),
      /smart\.example:587[^]*takes none[^]*>7<[^]*shop\/letters \(7\)[^]*connection refused/,
    );
    assert.match(await textOf('/relays'), /relay-0[^]*1\.2\.2[^]*AA:BB[^]*class\.json <code>abcdef012345</);
  });

  test('is a whole page for eyes and for screen readers, each time', async () => {
    for (const path of [...PATHS, ...OBJECTS]) {
      const text = await textOf(path);
      assert.match(text, /^<!doctype html>\n<html lang="en">/, path);
      assert.equal(text.match(/<h1>/g)?.length, 1, path);
      assert.match(text, /<a class="skip" href="#main">/);
      assert.equal(text.match(/aria-current="page"/g)?.length, 1, path);
      for (const [table] of text.matchAll(/<table>[^]*?<\/table>/g))
        assert.match(table, /<caption>[^]+<th scope="col">/);
      assert.doesNotMatch(text, /style="|<style|onclick|javascript:|undefined|\[object/);
    }
  });

  test('shows names as text, whatever they are', async () => {
    const evil = `"><script>alert(1)</script><img src=x onerror='alert(1)'>`;
    const object = { namespace: evil, name: evil, status: { conditions: [condition('Ready', 'False', evil, evil)] } };
    const facts: Facts = {
      ...FACTS,
      viewer: evil,
      namespace: evil,
      namespaces: [evil],
      users: [{ ...object, status: { ...object.status, username: evil, list: evil } }],
      lists: [object],
      senders: [{ ...object, status: { ...object.status, sender: evil } }],
      refusals: { since: TIME, users: { [evil]: { [evil]: 1 } } },
      queue: { smartHosts: [{ name: evil, lists: { [evil]: 1 }, trouble: { since: TIME, time: TIME, error: evil } }] },
      relays: [{ name: evil, isReady: false, state: { version: evil, documents: { [evil]: evil } } }],
    };
    for (const path of PATHS) {
      const text = await textOf(path, facts);
      assert.doesNotMatch(text, /<script>|<img/, path);
      assert.match(text, /&lt;script/, path);
    }
  });

  test('answers with a policy without exceptions, kept nowhere and framed by nobody, whatever the answer', async () => {
    const answers = [await ask('/'), await ask('/users/shop/gone'), await ask('/style.css'), await ask('/live.js')];
    for (const answer of [...answers, await ask('/', { method: 'POST' }), await ask('/nothing')]) {
      const policy = answer?.headers['content-security-policy'] ?? '';
      assert.match(policy, /default-src 'none'/);
      assert.match(policy, /frame-ancestors 'none'/);
      assert.doesNotMatch(policy, /unsafe|\*|https?:|data:|blob:/);
      assert.equal(answer?.headers['cache-control'], 'no-store');
      assert.equal(answer?.headers['x-content-type-options'], 'nosniff');
      assert.equal(answer?.headers['referrer-policy'], 'no-referrer');
      assert.equal(answer?.headers['cross-origin-resource-policy'], 'same-origin');
      assert.equal(answer?.headers['cross-origin-opener-policy'], 'same-origin');
    }
  });

  test('changes nothing: it answers GET and HEAD alone, and no other site', async () => {
    for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS']) {
      assert.equal((await ask('/', { method }))?.status, 405);
    }
    const fromElsewhere = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' };
    assert.equal((await ask('/', { headers: fromElsewhere }))?.status, 403);
    assert.equal((await ask('/', { headers: { ...fromElsewhere, 'sec-fetch-mode': 'navigate' } }))?.status, 200);
  });

  test('has no page of what is not there, of relays for who may not see them, nor of mail where none is shown', async () => {
    const { relays: _, ...ofTenant } = FACTS;
    for (const path of [
      '/users/shop/gone',
      '/users/shop',
      '/users/shop/orders/x',
      '/mail',
      '/mail/x',
      '/constructor',
      '/__proto__',
    ]) {
      assert.equal((await ask(path))?.status, 404, path);
    }
    assert.equal((await ask('/relays', { facts: ofTenant }))?.status, 404);
    assert.doesNotMatch(await textOf('/', ofTenant), /\/console\/relays/);
    assert.equal(await ask('', { path: '/consoles' }), undefined);
  });
});
