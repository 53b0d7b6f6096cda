import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { validate } from './validate.ts';

const shop = { name: 'orders', namespace: 'shop' };

describe('validate', () => {
  test('fills in the defaults that the API server would', () => {
    const list = validate('SmtpPlusList', shop, {});
    assert(list.ok);
    assert.equal(list.spec.relayClassName, 'default');
    assert.deepEqual(list.spec.delivery, { mode: 'Spool', maxAge: '120h', delayNoticeAfter: '4h' });
    assert.deepEqual(list.spec.allowedNamespaces, { from: 'Same' });
  });

  test('says in a sentence which field is wrong, what it must be and what it is', () => {
    assert.deepEqual(problems('SmtpPlusList', { upstream: { host: 'mx.example', port: 70000 } }), [
      ['spec.upstream.port', 'spec.upstream.port must be at most 65535; it is 70000.'],
    ]);
    assert.deepEqual(problems('SmtpPlusList', { upstream: {} }), [
      ['spec.upstream.host', 'spec.upstream.host is missing; add it.'],
    ]);
    assert.deepEqual(problems('SmtpPlusUser', { senders: ['Orders'] }), [
      [
        'spec.senders.0',
        'spec.senders[0] must be an address such as `orders@shop.example` or a domain such as `@shop.example`, in lower case; it is "Orders".',
      ],
    ]);
    assert.deepEqual(problems('SmtpPlusUser', { mode: 'live' }), [
      ['spec.mode', 'spec.mode must be one of Live, Sandbox; it is "live".'],
    ]);
  });

  test('does not say what a list or a mapping is where something inside is wrong', () => {
    assert.deepEqual(problems('SmtpPlusUser', { senders: ['@a.example', '@a.example'] }), [
      ['spec.senders', 'spec.senders must not hold the same entry twice.'],
    ]);
  });

  test('points at the item of a list that a rule refuses', () => {
    const [problem] = problems('SmtpPlusUser', { clientCIDRs: ['10.0.0.0/8', '10.0.0.1'] });
    assert.equal(problem?.[0], 'spec.clientCIDRs.1');
  });

  test('takes IPv6 in every spelling that an API server takes', () => {
    for (const address of ['::1', '2001:DB8::1', '1:2:3:4:5:6:7::', '64:ff9b::192.0.2.1', '::ffff:0:a00:1']) {
      assert.deepEqual(problems('SmtpPlusList', { upstream: { host: address } }), [], address);
      assert.deepEqual(problems('SmtpPlusUser', { clientCIDRs: [`${address}/128`] }), [], address);
    }
  });

  test('binds a user name that is no address to the name and the namespace of its object', () => {
    assert.deepEqual(problems('SmtpPlusUser', { username: 'orders.shop' }), []);
    assert.deepEqual(problems('SmtpPlusUser', { username: 'orders@shop.example' }), []);
    assert.equal(problems('SmtpPlusUser', { username: 'billing.shop' })[0]?.[0], 'spec.username');
    assert.equal(problems('SmtpPlusUser', { username: 'orders.bank' })[0]?.[0], 'spec.username');
  });

  test('refuses an immutable field that changes, appears or disappears, and only on an update', () => {
    const before = validate('SmtpPlusUser', shop, { username: 'orders.shop' });
    const without = validate('SmtpPlusUser', shop, {});
    assert(before.ok && without.ok);
    assert.equal(validate('SmtpPlusUser', shop, { username: 'orders@shop.example' }, before.spec).ok, false);
    assert.equal(validate('SmtpPlusUser', shop, {}, before.spec).ok, false);
    assert.equal(validate('SmtpPlusUser', shop, { username: 'orders.shop' }, without.spec).ok, false);
    assert.equal(validate('SmtpPlusUser', shop, { username: 'orders.shop', active: true }, before.spec).ok, true);
  });

  test('takes internationalized domains in Unicode and in A-labels, in lower case only', () => {
    assert.deepEqual(problems('VerifiedSender', { domain: 'bücher.example' }), []);
    assert.deepEqual(problems('VerifiedSender', { domain: 'xn--bcher-kva.example' }), []);
    assert.deepEqual(problems('VerifiedSender', { address: 'info@例え.example' }), []);
    assert.equal(problems('VerifiedSender', { domain: 'BÜCHER.example' }).length, 1);
  });

  test('repeats no value from where people put passwords by mistake', () => {
    const [problem] = problems('SmtpPlusUser', { credentials: { passwordSecretRef: 'hunter2hunter2' } });
    assert.equal(problem?.[1], 'spec.credentials.passwordSecretRef must be a mapping.');
    const [code] = problems('VerifiedSender', { address: 'a@shop.example', email: { code: 'hunter 2' } });
    assert.doesNotMatch(code?.[1] ?? '', /hunter/);
  });

  test('bounds the number of problems that it reports for one object', () => {
    const values = Array.from({ length: 64 }, (_, i) => `no label ${i}`);
    const matchExpressions = Array.from({ length: 16 }, () => ({ key: 'a', operator: 'In', values }));
    const allowedNamespaces = { from: 'Selector', selector: { matchExpressions } };
    assert.equal(problems('SmtpPlusList', { allowedNamespaces }).length, 100);
  });

  test('tells in one round what the schema, the rules and what is left of both find wrong', () => {
    const spec = {
      active: 'maybe',
      mode: 'live',
      clientCIDRs: ['10.0.0.0/8', 7, '10.0.0.1', '10.0.0.0/8'],
      credentials: { passwordSecretRef: { name: 'own' }, rotation: { interval: '1h', overlap: '2h' } },
    };
    assert.deepEqual(
      problems('SmtpPlusUser', spec).map(([path]) => path),
      [
        'spec.active',
        'spec.mode',
        'spec.clientCIDRs.1',
        'spec.clientCIDRs',
        'spec.credentials.rotation',
        'spec.credentials.rotation.overlap',
      ],
    );
  });

  test('lets an interval be shorter than a day, and the overlap of passwords that people choose be said', () => {
    const own = { passwordSecretRef: { name: 'own' } };
    for (const credentials of [
      { rotation: { interval: '12h' } },
      { rotation: { interval: '12h', overlap: '12h' } },
      { rotation: { trigger: 'now', overlap: '0s' } },
      { ...own, rotation: { overlap: '0s' } },
      { ...own, rotation: {} },
    ]) {
      assert.deepEqual(problems('SmtpPlusUser', { credentials }), [], JSON.stringify(credentials));
    }
    for (const rotation of [{ interval: '12h' }, { trigger: 'now' }]) {
      const paths = problems('SmtpPlusUser', { credentials: { ...own, rotation } }).map(([path]) => path);
      assert.deepEqual(paths, ['spec.credentials.rotation']);
    }
  });

  test('names the item of a list by its place in the file, whatever stands before it', () => {
    const spec = { clientCIDRs: [1, '10.0.0.1', 2, '10.0.0.0/8', '10.0.0.3'] };
    const paths = problems('SmtpPlusUser', spec).map(([path]) => path);
    assert.deepEqual(
      paths,
      [0, 2, 1, 4].map((index) => `spec.clientCIDRs.${index}`),
    );
  });

  test('blames no rule for what the schema refuses', () => {
    const consequences: readonly (readonly [kind: 'SmtpPlusList' | 'VerifiedSender', spec: object, path: string])[] = [
      ['VerifiedSender', { domain: 'SHOP.example' }, 'spec.domain'],
      ['VerifiedSender', { domain: 7, includeSubdomains: true }, 'spec.domain'],
      ['SmtpPlusList', { allowedNamespaces: { from: 'selector', selector: {} } }, 'spec.allowedNamespaces.from'],
      ['SmtpPlusList', { allowedNamespaces: { from: 'Selector', selector: 7 } }, 'spec.allowedNamespaces.selector'],
      ['SmtpPlusList', { delivery: { delayNoticeAfter: '8h', maxAge: 8 } }, 'spec.delivery.maxAge'],
      ['SmtpPlusList', { upstream: { host: 7, port: 25 } }, 'spec.upstream.host'],
      ['SmtpPlusList', { upstream: { host: 'mx.example', tls: 'none', serverName: 'a.example' } }, 'spec.upstream.tls'],
    ];
    for (const [kind, spec, path] of consequences) {
      assert.deepEqual(
        problems(kind, spec).map(([at]) => at),
        [path],
        JSON.stringify(spec),
      );
    }
  });

  test('calls a spec that is missing by its name', () => {
    // where each field has a default, there is nothing to add
    assert.deepEqual([problems('SmtpPlusList', undefined), problems('SmtpPlusUser', null)], [[], []]);
    assert.deepEqual(problems('VerifiedSender', undefined), [['spec', 'spec is missing; add it.']]);
  });
});

function problems(kind: 'SmtpPlusList' | 'SmtpPlusUser' | 'VerifiedSender', spec: unknown): [string, string][] {
  const result = validate(kind, shop, spec);
  return result.ok ? [] : result.problems.map(({ path, message }) => [path.join('.'), message]);
}
