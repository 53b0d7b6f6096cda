/** Encryption and log-in towards smart hosts: what is never said to whom. */
import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { describe, test, type TestContext } from 'node:test';
import { TLSSocket } from 'node:tls';
import type { SmartHost } from '../../relay/config/config.ts';
import { configured, emptied, said, startDelivering } from '../support/delivering.ts';
import { until } from '../support/eventually.ts';
import { aMessage, inMemory } from '../support/queued.ts';
import { aSmartHost, ordinaryAnswers, startRawUpstream, startUpstream, testCertificates } from '../support/upstream.ts';

const NO_RETRY = { retryFirstSeconds: 3600, retryMostSeconds: 3600 };
const LOGIN = { username: 'relay', password: 'secret word' };

async function deferredBy(t: TestContext, host: SmartHost): Promise<string> {
  const relay = await startDelivering(t, configured(host, { settings: NO_RETRY }));
  await relay.spool.put(aMessage(), inMemory());
  await until(() => said(relay, 'deferred').length > 0, { what: 'it is deferred' });
  assert.equal(relay.left().length, 1);
  return String(said(relay, 'deferred')[0]?.['reply']);
}

/** Everything that may not be said. */
function secretsIn(lines: readonly string[]): string[] {
  return lines.filter((line) => /^(AUTH|MAIL|RCPT|DATA|BDAT)/.test(line));
}

describe('replies that an attacker puts behind the answer to STARTTLS', () => {
  /** The handshake itself would succeed. */
  async function startInjected(t: TestContext, injected: string) {
    const { cert, key } = await testCertificates();
    const secured: string[] = [];
    const raw = await startRawUpstream(t, {
      answer: ordinaryAnswers((line, socket) => {
        if (line.startsWith('EHLO')) return '250-raw\r\n250 STARTTLS';
        if (line !== 'STARTTLS') return undefined;
        socket.removeAllListeners('data');
        socket.write(`220 go\r\n${injected}`);
        const tls = new TLSSocket(socket, { isServer: true, cert, key });
        const answer = ordinaryAnswers();
        tls.on('error', () => {});
        tls.on('data', (chunk: Buffer) => {
          for (const one of chunk.toString().split('\r\n').slice(0, -1)) {
            secured.push(one);
            answer(one, tls);
          }
        });
        return '';
      }),
    });
    return { raw, secured };
  }

  for (const [what, injected, problem] of [
    ['in whole', '250-raw\r\n250 AUTH PLAIN\r\n', /reply to nothing: 250-raw 250 AUTH PLAIN/],
    ['in part', '250-raw\r\n250 AU', /sent more than its answer to STARTTLS in the clear/],
  ] as const) {
    test(`${what} are not taken for what is said under TLS: nothing is sent`, async (t) => {
      const { raw, secured } = await startInjected(t, injected);
      const { ca } = await testCertificates();
      const reply = await deferredBy(t, aSmartHost(raw.port, { tls: 'StartTLS', ca, ...LOGIN }));
      assert.match(reply, problem);
      assert.deepEqual(secured, []);
      assert.deepEqual(secretsIn(raw.lines), []);
    });
  }

  test('are what makes the difference: without them, mail goes through', async (t) => {
    const { raw, secured } = await startInjected(t, '');
    const { ca } = await testCertificates();
    const relay = await startDelivering(t, configured(aSmartHost(raw.port, { tls: 'StartTLS', ca })));
    await relay.spool.put(aMessage(), inMemory());
    await emptied(relay);
    assert.ok(secured.includes('.'));
  });
});

describe('opportunistic TLS', () => {
  for (const [what, answer] of [
    ['answers the handshake with garbage', (socket: Socket) => socket.write(`220 go\r\n`) && socket.write('what\r\n')],
    ['closes at the handshake', (socket: Socket) => socket.end('220 go\r\n')],
    ['does not answer the handshake', (socket: Socket) => socket.write('220 go\r\n')],
  ] as const) {
    const startBad = (t: TestContext) =>
      startRawUpstream(t, {
        answer: ordinaryAnswers((line, socket) => {
          if (line.startsWith('EHLO')) return '250-raw\r\n250-AUTH PLAIN\r\n250 STARTTLS';
          if (line !== 'STARTTLS') return undefined;
          answer(socket);
          return '';
        }),
      });

    test(`goes on in the clear over another connection where the upstream ${what}`, async (t) => {
      const raw = await startBad(t);
      const relay = await startDelivering(t, configured(aSmartHost(raw.port, { tls: 'Opportunistic' })));
      await relay.spool.put(aMessage(), inMemory());
      await emptied(relay);
      assert.deepEqual(said(relay, 'deferred'), []);
      assert.equal(raw.connections(), 2);
    });

    test(`never says the password to an upstream that ${what}`, async (t) => {
      const raw = await startBad(t);
      await deferredBy(t, aSmartHost(raw.port, { tls: 'Opportunistic', ...LOGIN }));
      assert.deepEqual(secretsIn(raw.lines), []);
      assert.equal(raw.connections(), 1);
    });
  }

  test('takes any certificate where there is no password', async (t) => {
    const upstream = await startUpstream(t, { tls: 'StartTLS' });
    const { ca: _, ...host } = upstream.smartHost({ tls: 'Opportunistic' });
    const relay = await startDelivering(t, configured(host));
    await relay.spool.put(aMessage(), inMemory());
    await emptied(relay);
    assert.equal(upstream.received[0]?.isSecure, true);
  });

  test('says the password to nobody without a certificate that proves the name', async (t) => {
    const upstream = await startUpstream(t, { tls: 'StartTLS', credentials: LOGIN });
    const { ca, ...host } = upstream.smartHost({ tls: 'Opportunistic' });
    assert.match(await deferredBy(t, host), /certificate/);
    assert.match(await deferredBy(t, { ...host, ca, serverName: 'other.example' }), /other\.example/);
    assert.equal(upstream.received.length, 0);
    const relay = await startDelivering(t, configured({ ...host, ca }));
    await relay.spool.put(aMessage(), inMemory());
    await emptied(relay);
    assert.deepEqual([upstream.received[0]?.isSecure, upstream.received[0]?.user], [true, LOGIN.username]);
  });
});

describe('the log-in', () => {
  /** Takes the password by any mechanism; remembers the commands. */
  function startWith(t: TestContext, mechanisms: string | undefined) {
    let step = 0;
    return startRawUpstream(t, {
      answer: ordinaryAnswers((line) => {
        if (line.startsWith('EHLO')) return mechanisms === undefined ? '250 raw' : `250-raw\r\n250 AUTH ${mechanisms}`;
        if (line.startsWith('AUTH PLAIN ')) return '235 2.7.0 ok';
        if (line.startsWith('AUTH')) {
          step = line === 'AUTH LOGIN' ? 2 : 1;
          return `334 ${Buffer.from('<challenge>').toString('base64')}`;
        }
        if (step > 0) return --step === 0 ? '235 2.7.0 ok' : '334 UGFzc3dvcmQ6';
        return undefined;
      }),
    });
  }

  const words = (lines: readonly string[]): string[] =>
    lines.slice(1, lines.indexOf('MAIL FROM:<orders@shop.example>'));
  const base64 = (text: string): string => Buffer.from(text).toString('base64');

  for (const [offered, expected] of [
    ['PLAIN LOGIN', [`AUTH PLAIN ${base64('\0relay\0secret word')}`]],
    ['LOGIN', ['AUTH LOGIN', base64('relay'), base64('secret word')]],
    // not encrypted, as this one is: rather without the password itself
    ['PLAIN LOGIN CRAM-MD5', ['AUTH CRAM-MD5', base64('relay c3388603da660954328fa9d9cecfbf0b')]],
  ] as const) {
    test(`goes by what the upstream offers: ${offered}`, async (t) => {
      const raw = await startWith(t, offered);
      const relay = await startDelivering(t, configured(aSmartHost(raw.port, LOGIN)));
      await relay.spool.put(aMessage(), inMemory());
      await emptied(relay);
      assert.deepEqual(words(raw.lines), expected);
    });
  }

  test('goes by the mechanism that is set, and by no other', async (t) => {
    const raw = await startWith(t, 'PLAIN LOGIN CRAM-MD5');
    const relay = await startDelivering(t, configured(aSmartHost(raw.port, { ...LOGIN, auth: 'LOGIN' })));
    await relay.spool.put(aMessage(), inMemory());
    await emptied(relay);
    assert.equal(words(raw.lines)[0], 'AUTH LOGIN');
    const other = await startWith(t, 'LOGIN CRAM-MD5');
    const reply = await deferredBy(t, aSmartHost(other.port, { ...LOGIN, auth: 'PLAIN' }));
    assert.match(reply, /the server offers AUTH by LOGIN, CRAM-MD5 only, and what is set is PLAIN/);
    assert.deepEqual(secretsIn(other.lines), []);
  });

  for (const [what, mechanisms, problem] of [
    ['no AUTH', undefined, /cannot log in: the server offers no AUTH, and what is set is CRAM-MD5 or PLAIN or LOGIN/],
    ['mechanisms that we do not have', 'GSSAPI NTLM', /the server offers AUTH by GSSAPI, NTLM only/],
  ] as const) {
    test(`is not tried with an upstream that offers ${what}, and the reply says so`, async (t) => {
      const raw = await startWith(t, mechanisms);
      assert.match(await deferredBy(t, aSmartHost(raw.port, LOGIN)), problem);
      assert.deepEqual(secretsIn(raw.lines), []);
    });
  }

  for (const [what, ehlo] of [
    ['offers AUTH without STARTTLS', '250-raw\r\n250 AUTH PLAIN LOGIN CRAM-MD5'],
    ['offers STARTTLS and refuses it', '250-raw\r\n250-STARTTLS\r\n250 AUTH PLAIN LOGIN CRAM-MD5'],
  ] as const) {
    for (const tls of ['StartTLS', 'Opportunistic'] as const) {
      test(`is not said in the clear to an upstream that ${what}, with tls: ${tls}`, async (t) => {
        const raw = await startRawUpstream(t, {
          answer: ordinaryAnswers((line) => {
            if (line.startsWith('EHLO')) return ehlo;
            return line === 'STARTTLS' ? '454 4.7.0 not now' : undefined;
          }),
        });
        await deferredBy(t, aSmartHost(raw.port, { tls, ...LOGIN }));
        assert.deepEqual(secretsIn(raw.lines), []);
      });
    }
  }

  test('that is asked for more and more is cancelled', async (t) => {
    const raw = await startRawUpstream(t, {
      answer: ordinaryAnswers((line) => {
        if (line.startsWith('EHLO')) return '250-raw\r\n250 AUTH LOGIN';
        return line === '*' ? '501 5.7.0 cancelled' : '334 bW9yZQ==';
      }),
    });
    assert.match(await deferredBy(t, aSmartHost(raw.port, LOGIN)), /log-in refused with 501 5\.7\.0$/);
    assert.deepEqual(raw.lines.slice(1), ['AUTH LOGIN', base64('relay'), base64('secret word'), '*']);
  });
});
