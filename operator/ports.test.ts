import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parsePorts, sharePorts } from './ports.ts';

function portsOf(text: string): readonly number[] {
  const list = parsePorts(text);
  return 'problem' in list ? assert.fail(list.problem) : list.ports;
}

describe('a list of ports', () => {
  test('is numbers and ranges, each port once, in order', () => {
    assert.deepEqual(portsOf('2525, 1025-1027,1026'), [2525, 1025, 1026, 1027]);
    assert.deepEqual(portsOf(''), []);
    assert.deepEqual(portsOf('0'), [0]);
    assert.equal(portsOf('2525,1025-5000').length, 3976);
  });

  const refused: readonly (readonly [string, RegExp])[] = [
    ['x', /must be ports and ranges, such as 2525,1025-5000: `x` is neither/],
    ['1-', /`1-` is neither/],
    ['1,,2', /`` is neither/],
    ['-1', /`-1` is neither/],
    ['99999', /goes up to 65535: `99999` is beyond/],
    ['1-70000', /`1-70000` is beyond/],
    ['9'.repeat(400), /is beyond/],
    ['5000-1025', /the wrong way round: write 1025-5000/],
    ['0-10', /has a range from 0: begin with 1/],
    ['2525,25,2525', /names 2525 twice; once will do/],
    ['1,'.repeat(2000), /more than 1000/],
  ];
  for (const [text, problem] of refused) {
    test(`is refused as ${text.slice(0, 20)}, with what to do`, () => {
      const list = parsePorts(text);
      assert.ok('problem' in list);
      assert.match(list.problem, problem);
    });
  }
});

describe('the lists together', () => {
  const wishes = { ports: '2525', implicitTlsPorts: '', http: 9465, skipBusyPorts: false };

  test('leave out what a range has by chance, and may be missing: never what is named', () => {
    const shared = sharePorts({ ...wishes, ports: '2525,2524-2527' });
    assert.deepEqual(shared, {
      ports: [2525, 2524, 2526, 2527],
      implicitTlsPorts: [],
      optionalPorts: new Set([2524, 2526, 2527]),
    });
    assert.deepEqual(sharePorts({ ...wishes, skipBusyPorts: true }), {
      ports: [2525],
      implicitTlsPorts: [],
      optionalPorts: new Set([2525]),
    });
  });

  test('give a port to who names it, whatever ranges of others it lies in', () => {
    const shared = sharePorts({ ...wishes, ports: '4463-4467', implicitTlsPorts: '4465', http: 4466 });
    assert.ok(!('problem' in shared));
    assert.deepEqual(shared.ports, [4463, 4464, 4467]);
    assert.deepEqual(shared.implicitTlsPorts, [4465]);
    assert.ok(!shared.optionalPorts.has(4465));
  });

  test('are refused where two name one port, or have ranges that overlap', () => {
    const problem = (more: Partial<typeof wishes>): string => {
      const shared = sharePorts({ ...wishes, ...more });
      return 'problem' in shared ? shared.problem : '';
    };
    assert.match(problem({ implicitTlsPorts: '2525' }), /2525 is also a port of implicitTlsPorts; take it out of one/);
    assert.match(problem({ ports: '10-20', implicitTlsPorts: '15-25' }), /15 is also a port of implicitTlsPorts/);
    assert.match(problem({ http: 2525 }), /2525 is also a port of http/);
    assert.match(problem({ ports: '', implicitTlsPorts: '' }), /nothing would listen for mail/);
    assert.equal(problem({ ports: '0', implicitTlsPorts: '0', http: 0 }), '');
  });
});
