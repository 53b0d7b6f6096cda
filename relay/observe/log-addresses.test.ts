import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { LogSettings } from '../config/config.ts';
import { createLog, type Log } from './log.ts';

const KEY = 'ab'.repeat(32);

function aLog(settings?: LogSettings): { log: Log; lines: string[] } {
  const lines: string[] = [];
  const log = createLog({ write: (line) => void lines.push(line) });
  if (settings !== undefined) log.addresses.use(settings);
  return { log, lines };
}

const entryOf = ({ lines }: { lines: string[] }): Record<string, unknown> => JSON.parse(lines.at(-1) ?? '');

/** What a line could name an address in. */
function write({ log }: { log: Log }): void {
  log.info(
    {
      id: 'Q1',
      list: 'shop/a',
      remote: '192.0.2.1',
      user: 'ann.lee@shop.example',
      from: 'ann.lee@shop.example',
      to: ['postmaster', '"a b"@c.example', 'x@[192.0.2.1]'],
      words: 'From Ann.Lee@shop.example, is not authorized',
      reply: '550 5.1.1 <bob@c.example>... rfc822;bob@c.example "b\\" ob"@c.example bob@c.example.',
      err: new Error('mail to bob@c.example'),
      inner: { deep: [{ text: 'a\uff20b.example' }] },
    },
    'bob@c.example bounced',
  );
}

describe('addresses in the log', () => {
  test('are shown in full unless told otherwise', () => {
    const log = aLog();
    write(log);
    assert.equal(entryOf(log)['from'], 'ann.lee@shop.example');
    assert.equal(entryOf(log)['msg'], 'bob@c.example bounced');
  });

  for (const addresses of ['hashed', 'none'] as const) {
    test(`are nowhere in a line with ${addresses}, and everything else is`, () => {
      const log = aLog({ addresses, key: KEY });
      write(log);
      const [line = ''] = log.lines;
      assert.doesNotMatch(line, /bob|ann|lee|postmaster|a b|c\.example|shop\.example|b\.example|@/i);
      const { id, list, remote, words, msg } = entryOf(log);
      assert.deepEqual([id, list, remote], ['Q1', 'shop/a', '192.0.2.1']);
      assert.match(String(words), /^From (?:#[0-9a-f]{10}|\(hidden\)), is not authorized$/);
      assert.match(String(msg), /^(?:#[0-9a-f]{10}|\(hidden\)) bounced$/);
      assert.ok(line.endsWith('}\n'));
    });
  }

  test('have one hash wherever they stand, in any case', () => {
    const log = aLog({ addresses: 'hashed', key: KEY });
    write(log);
    const { user, from, words, reply } = entryOf(log);
    assert.equal(user, from);
    assert.equal(String(words), `From ${String(from)}, is not authorized`);
    const bob = log.log.addresses.hash('bob@c.example');
    assert.equal(String(reply).split(bob).length, 4, 'in brackets, after rfc822; and before a full stop');
  });

  test('have the same hash with the same key, and another one with another', () => {
    const hashes = [KEY, KEY, 'cd'.repeat(32)].map((key) =>
      aLog({ addresses: 'hashed', key }).log.addresses.hash('bob@c.example'),
    );
    assert.equal(hashes[0], hashes[1]);
    assert.notEqual(hashes[0], hashes[2]);
    assert.notEqual(aLog().log.addresses.hash('bob@c.example'), aLog().log.addresses.hash('bob@c.example'));
  });

  test('hide the null sender from nobody', () => {
    const log = aLog({ addresses: 'hashed', key: KEY });
    log.log.info({ from: '' }, 'x');
    assert.equal(entryOf(log)['from'], '');
  });

  test('are hidden in the lines of child logs, too', () => {
    const log = aLog({ addresses: 'none' });
    log.log.child({ from: 'ann@shop.example' }).info('x');
    assert.equal(entryOf(log)['from'], '(hidden)');
  });

  test('are looked for in time that grows with the line alone', () => {
    const log = aLog({ addresses: 'hashed', key: KEY });
    for (const text of ['x'.repeat(300_000), '"'.repeat(100_000), 'a@'.repeat(100_000), '"\\'.repeat(100_000)]) {
      const start = process.cpuUsage().user;
      log.log.info({ reply: text }, 'x');
      assert.ok(process.cpuUsage().user - start < 2_000_000, text.slice(0, 4));
    }
  });
});
