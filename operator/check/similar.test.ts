import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { mostSimilar } from './similar.ts';

describe('mostSimilar', () => {
  const fields = ['host', 'port', 'tls', 'serverName', 'maxConnections'];

  test('finds the name behind a letter too many, one missing, one replaced, or two swapped', () => {
    assert.equal(mostSimilar('porrt', fields), 'port');
    assert.equal(mostSimilar('serverNme', fields), 'serverName');
    assert.equal(mostSimilar('tlz', fields), 'tls');
    assert.equal(mostSimilar('hots', fields), 'host');
  });

  test('finds the name behind another case', () => {
    assert.equal(mostSimilar('MAXCONNECTIONS', fields), 'maxConnections');
  });

  test('finds the name whose beginning was written', () => {
    assert.equal(mostSimilar('relayClass', ['description', 'relayClassName']), 'relayClassName');
    assert.equal(mostSimilar('max', fields), undefined);
  });

  test('suggests nothing for a name that is like none', () => {
    assert.equal(mostSimilar('password', fields), undefined);
    assert.equal(mostSimilar('x', fields), undefined);
    assert.equal(mostSimilar('x', []), undefined);
  });

  test('takes the closest of several', () => {
    assert.equal(mostSimilar('sender', ['senderPolicy', 'senders', 'tender']), 'senders');
  });
});
