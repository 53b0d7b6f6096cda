import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { explainStart } from './explain.ts';

const asked = { state: 'state', host: '127.0.0.1', implicitTlsPorts: [4465], http: 9465 };

function explain(code: string, more: object = {}): string {
  return explainStart(
    Object.assign(new Error(`listen ${code}`), { code, syscall: 'listen', port: 25, ...more }),
    asked,
  );
}

describe('what a start met', () => {
  test('tells a port that is in use from one that may not be opened', () => {
    assert.match(explain('EADDRINUSE'), /^port 25 is in use at 127\.0\.0\.1: .*with --ports, .*--skip-busy-ports$/);
    assert.match(explain('EACCES'), /^port 25 may not be opened by this user \(EACCES\): it is not in use.*--ports/);
  });

  test('names the flag that the port came from', () => {
    assert.match(explain('EADDRINUSE', { port: 4465 }), /with --implicit-tls-ports/);
    const http = explain('EADDRINUSE', { port: 9465 });
    assert.match(http, /with --http$/);
    assert.doesNotMatch(http, /skip/, 'metrics are never gone without');
  });

  test('tells of an address that is none of this machine, and of a kind that it has not', () => {
    assert.match(explain('EADDRNOTAVAIL'), /--host 127\.0\.0\.1 is no address of this machine/);
    assert.match(explain('EAFNOSUPPORT'), /of a kind that this machine has not set up/);
  });

  test('advises to raise the hard limit of open files, wherever it was met', () => {
    const inState = { syscall: 'open', path: 'state/spool/x', port: undefined };
    for (const problem of [explain('EMFILE'), explain('EMFILE', inState)]) {
      assert.match(problem, /^too many open files \(EMFILE\): this process may have \d+\. .*hard limit \(`ulimit -Hn`/);
      assert.doesNotMatch(problem, /--state/);
    }
    assert.match(explain('ENFILE'), /the whole machine .*fs\.file-max/);
  });

  test('names the state folder where a file in it is the trouble', () => {
    const problem = explain('EACCES', { syscall: 'open', path: 'state/installation', port: undefined });
    assert.match(
      problem,
      /^the state folder state cannot be used: permission denied \(EACCES\), at state\/installation/,
    );
  });
});
