import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createLog } from '../../relay/observe/log.ts';
import type { Plan, PlannedEvent } from '../core/model.ts';
import { createAnnouncer } from './report.ts';

function start() {
  const lines: Readonly<Record<string, unknown>>[] = [];
  const announce = createAnnouncer(createLog({ write: (line) => void lines.push(JSON.parse(line)) }));
  const tell = (...events: readonly PlannedEvent[]) => {
    lines.length = 0;
    announce({ events } as unknown as Plan);
    return lines.map(({ level, object, count, reason, msg }) => ({ level, object, count, reason, msg }));
  };
  return tell;
}

function event(name: string, reason: string, message: string): PlannedEvent {
  const meta = { namespace: 'shop', name, uid: name, generation: 1, labels: {}, annotations: {} };
  return { kind: 'SmtpPlusUser', meta, type: reason === 'Ready' ? 'Normal' : 'Warning', reason, message };
}

const readyUsers = (count: number) => Array.from({ length: count }, (_, i) => event(`u${i}`, 'Ready', 'It can send.'));

describe('events of a plan', () => {
  test('are a line each where they are few, and told once', () => {
    const tell = start();
    assert.equal(tell(...readyUsers(10)).length, 10);
    assert.deepEqual(tell(...readyUsers(10)), []);
  });

  test('are one line for all objects to which the same happens, with their number, and others stay apart', () => {
    const tell = start();
    const lines = tell(...readyUsers(1000), event('odd', 'SecretInUse', 'Another has it.'));
    assert.deepEqual(lines, [
      {
        level: 'info',
        object: undefined,
        count: 1000,
        reason: 'Ready',
        msg: '1000 of them, shop/u0 the first: It can send.',
      },
      { level: 'warn', object: 'shop/odd', count: undefined, reason: 'SecretInUse', msg: 'Another has it.' },
    ]);
  });
});
