/** What client-socket.ts relies on in smtp-server without its documentation saying so: an upgrade that changes it fails here. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Socket } from 'node:net';
import { duplexPair } from 'node:stream';
import { describe, test } from 'node:test';
import { SMTPServer } from 'smtp-server';
import { SMTPConnection } from 'smtp-server/lib/smtp-connection';
import { SMTPStream } from 'smtp-server/lib/smtp-stream';
import { MEMBERS } from './client-socket.ts';

const [socket] = duplexPair();
const connection = new SMTPConnection(new SMTPServer({ logger: false }), socket as unknown as Socket);
const parser = new SMTPStream();
const source = readFileSync(
  createRequire(import.meta.url)
    .resolve('smtp-server/lib/smtp-connection')
    .replace('/cjs/', '/esm/'),
  'utf8',
);

describe('smtp-server', () => {
  for (const name of [...MEMBERS.overridden, ...MEMBERS.called]) {
    test(`has a method ${name} of a connection`, () => {
      assert.equal(typeof SMTPConnection.prototype[name], 'function');
    });
  }

  for (const name of MEMBERS.overridden) {
    test(`calls ${name} itself`, () => assert.ok(source.includes(`this.${name}(`)));
  }

  for (const name of MEMBERS.read) {
    test(`has a field ${name} of a connection`, () => {
      assert.ok(Object.hasOwn(connection, name));
      assert.ok(source.includes(`this.${name}`));
    });
  }

  test('has a parser that is told of the end of its input, and that it is closed', () => {
    assert.ok(connection._createParser() instanceof SMTPStream);
    assert.equal(parser.isClosed, false);
    assert.equal(typeof SMTPStream.prototype._flushData, 'function');
    assert.ok(source.includes('_parser.isClosed = true'));
  });

  test('gives the socket of a handshake to _armTimeout', () => {
    const [, upgrade = ''] = source.split('\n    upgrade(');
    assert.match(upgrade, /new tls\.TLSSocket\(this\._socket[^]*this\._armTimeout\(tlsSocket\)/);
  });
});
