import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { describe, test, type TestContext } from 'node:test';
import fc from 'fast-check';
import { readHeader, takeProxyHeader } from './proxy-header.ts';
import { v1, v2 } from '../../test/support/proxy-header.ts';

const SIGNATURE = v2().subarray(0, 12);
const clientIn = (octets: Buffer) => {
  const reading = readHeader(octets);
  return reading.kind === 'header' ? reading.client.address : reading;
};

describe('a PROXY header', () => {
  test('of version 1 names the client, in one spelling', () => {
    assert.equal(clientIn(v1('203.0.113.7')), '203.0.113.7');
    assert.equal(clientIn(v1('2001:0DB8:0:0::7')), '2001:db8::7');
    assert.equal(clientIn(v1('::ffff:203.0.113.7')), '203.0.113.7');
    assert.equal(clientIn(v1('::ffff:cb00:7107')), '203.0.113.7');
  });

  test('of version 2 names the client, whatever the load balancer adds', () => {
    assert.equal(clientIn(v2({ source: [203, 0, 113, 7] })), '203.0.113.7');
    assert.equal(clientIn(v2({ source: [203, 0, 113, 7], more: Buffer.alloc(300, 4) })), '203.0.113.7');
    const mapped = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 203, 0, 113, 7];
    assert.equal(clientIn(v2({ family: 0x21, source: mapped })), '203.0.113.7');
    const long = [0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7];
    assert.equal(clientIn(v2({ family: 0x21, source: long })), '2001:db8::7');
  });

  test('about a connection of its own, a Unix socket or datagrams names nobody', () => {
    assert.equal(clientIn(Buffer.from('PROXY UNKNOWN\r\n')), undefined);
    assert.equal(clientIn(Buffer.from('PROXY UNKNOWN ff::1 ff::2 1 2\r\n')), undefined);
    assert.equal(clientIn(v2({ command: 0x20, source: [203, 0, 113, 7] })), undefined);
    for (const family of [0x00, 0x12, 0x22, 0x31, 0x32]) assert.equal(clientIn(v2({ family })), undefined, `${family}`);
  });

  const bad: readonly (readonly [what: string, octets: Buffer | string, problem: RegExp])[] = [
    ['a mail client', 'EHLO client.example\r\n', /does not begin with one/],
    ['a TLS handshake', Buffer.from([0x16, 0x03, 0x01, 0x02]), /does not begin with one/],
    ['small letters', 'proxy TCP4 203.0.113.7 192.0.2.1 1 2\r\n', /does not begin with one/],
    ['a family that does not exist', 'PROXY TCP5 203.0.113.7 192.0.2.1 1 2\r\n', /family/],
    ['an address of the other family', 'PROXY TCP4 ::1 ::2 1 2\r\n', /addresses are not of TCP4/],
    ['an address with a zone', 'PROXY TCP6 fe80::1%eth0 fe80::2 1 2\r\n', /addresses are not of TCP6/],
    ['an octet too many', 'PROXY TCP4 203.0.113.7  192.0.2.1 1 2\r\n', /addresses/],
    ['a name', 'PROXY TCP4 localhost 192.0.2.1 1 2\r\n', /addresses/],
    ['a port too large', 'PROXY TCP4 203.0.113.7 192.0.2.1 65536 2\r\n', /two ports/],
    ['a port too many', 'PROXY TCP4 203.0.113.7 192.0.2.1 1 2 3\r\n', /two ports/],
    ['no end', `PROXY UNKNOWN ${'x'.repeat(200)}`, /longer than 107/],
    ['an end after the end', `PROXY UNKNOWN ${'x'.repeat(92)}\r\n`, /longer than 107/],
    ['another version', v2({ command: 0x31 }), /version is 3/],
    ['another command', v2({ command: 0x22 }), /does not exist/],
    ['another family', v2({ family: 0x41 }), /does not exist/],
    ['another transport', v2({ family: 0x13 }), /does not exist/],
    ['less than its addresses', v2({ family: 0x21, source: [1, 2, 3, 4] }), /too short/],
    ['more than anybody has to say', v2({ more: Buffer.alloc(5000) }), /longer than 4096/],
  ];
  for (const [what, octets, problem] of bad) {
    test(`with ${what} is none`, () => {
      const reading = readHeader(Buffer.from(octets));
      assert.ok(reading.kind === 'bad', JSON.stringify(reading));
      assert.match(reading.problem, problem);
    });
  }

  const octet = fc.nat(255);
  const anyHeader = fc.oneof(
    fc.ipV4().map((address) => ({ octets: v1(address), address })),
    fc.ipV6().map((address) => ({ octets: v1(address), address: undefined })),
    fc
      .record({ source: fc.array(octet, { minLength: 4, maxLength: 4 }), more: fc.uint8Array({ maxLength: 300 }) })
      .map(({ source, more }) => ({ octets: v2({ source, more: Buffer.from(more) }), address: source.join('.') })),
  );

  test('is read the same however it comes, and is nothing before it is whole', () => {
    fc.assert(
      fc.property(anyHeader, fc.uint8Array({ maxLength: 50 }), ({ octets, address }, rest) => {
        const reading = readHeader(Buffer.concat([octets, rest]));
        assert.ok(reading.kind === 'header');
        assert.equal(reading.length, octets.length);
        if (address !== undefined) assert.equal(reading.client.address, address);
        for (let length = 0; length < octets.length; length++)
          assert.equal(readHeader(octets.subarray(0, length)).kind, 'more');
      }),
    );
  });

  test('of any octets is a header, none, or waited for no longer than it may be long', () => {
    const noise = fc.uint8Array({ maxLength: 6000 });
    const start = fc.constantFrom('', 'PROXY ', 'PROXY TCP6 ', 'PROXY TCP4 1.2.3.4 ', SIGNATURE.toString('latin1'));
    fc.assert(
      fc.property(start, noise, (before, after) => {
        const octets = Buffer.concat([Buffer.from(before, 'latin1'), after]);
        const reading = readHeader(octets);
        if (reading.kind === 'more') assert.ok(octets.length < 4096);
        if (reading.kind === 'header') assert.ok(reading.length <= octets.length);
      }),
      { numRuns: 1000 },
    );
  });
});

describe('taking the header of a connection', () => {
  async function connection(t: TestContext): Promise<{ readonly near: Socket; readonly far: Socket }> {
    const server = createServer();
    t.after(() => server.close());
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const arrives = once(server, 'connection') as Promise<[Socket]>;
    const far = connect((server.address() as AddressInfo).port, '127.0.0.1');
    const [near] = await arrives;
    t.after(() => [near, far].forEach((socket) => socket.destroy()));
    return { near, far };
  }

  test('leaves every octet behind it, in whatever pieces it comes', async (t) => {
    const whole = Buffer.concat([v2({ source: [203, 0, 113, 7] }), Buffer.from('EHLO x\r\n')]);
    for (const size of [1, 13, 16, 27, whole.length]) {
      const { near, far } = await connection(t);
      const taken = takeProxyHeader(near);
      for (let at = 0; at < whole.length; at += size) {
        far.write(whole.subarray(at, at + size));
        await new Promise((resolve) => setImmediate(resolve));
      }
      assert.deepEqual(await taken, { address: '203.0.113.7' });
      let rest = '';
      for await (const chunk of near) {
        rest += String(chunk);
        if (rest.length >= 8) break;
      }
      assert.equal(rest, 'EHLO x\r\n');
    }
  });

  test('gives up where it is slow, and where the connection ends', async (t) => {
    const slow = await connection(t);
    slow.far.write('PROXY TCP4 203.');
    assert.deepEqual(await takeProxyHeader(slow.near, { deadlineMs: 20 }), {
      problem: 'it has sent none within 0.02 s',
    });
    const cut = await connection(t);
    cut.far.end('PROXY TCP4 203.');
    assert.deepEqual(await takeProxyHeader(cut.near), { problem: 'it has gone before the end of it' });
    const silent = await connection(t);
    silent.far.end();
    assert.equal(await takeProxyHeader(silent.near), 'gone');
  });
});
