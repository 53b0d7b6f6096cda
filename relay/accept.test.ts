import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { aMessage, inMemory } from '../test/support/queued.ts';
import { aConfig, aList, LIST } from '../test/support/relay-config.ts';
import { accept } from './accept.ts';
import { replies } from './replies.ts';

/** Notes what is done, in its order. */
function scene(mode: 'Spool' | 'Passthrough', { upstream = replies.accepted('ID'), isFull = false } = {}) {
  const done: string[] = [];
  const delivery = { ...aList().delivery, mode };
  const parts = {
    config: () => aConfig({ lists: { [LIST]: aList({ delivery }) } }),
    spool: {
      put: async ({ envelope }: { envelope: { recipients: readonly unknown[] } }) => {
        done.push(`queued for ${envelope.recipients.length}`);
      },
      capture: async ({ recipients }: { recipients: readonly string[] }) => {
        if (isFull) throw new Error('full');
        done.push(`captured for ${recipients.join()}`);
      },
    },
    delivery: {
      passThrough: async () => {
        done.push('passed through');
        return upstream;
      },
    },
  };
  return { parts, done };
}

const captured = { captured: ['a@real.example'] };

describe('a message that its list captures for some', () => {
  for (const mode of ['Spool', 'Passthrough'] as const) {
    test(`is kept before it is handed on: ${mode}`, async () => {
      const { parts, done } = scene(mode);
      const reply = await accept(parts, { ...aMessage(), ...captured }, inMemory());
      assert.equal(reply.reason, 'accepted');
      assert.deepEqual(done, ['captured for a@real.example', mode === 'Spool' ? 'queued for 1' : 'passed through']);
    });

    test(`is not handed on where it cannot be kept: ${mode}`, async () => {
      const { parts, done } = scene(mode, { isFull: true });
      await assert.rejects(accept(parts, { ...aMessage(), ...captured }, inMemory()), /full/);
      assert.deepEqual(done, []);
    });

    test(`goes nowhere where all of its recipients are captured: ${mode}`, async () => {
      const { parts, done } = scene(mode);
      const reply = await accept(parts, { ...aMessage({ to: [] }), ...captured }, inMemory());
      assert.equal(reply.reason, 'captured');
      assert.deepEqual(done, ['captured for a@real.example']);
    });
  }

  test('is refused where the smart host refuses it', async () => {
    const { parts } = scene('Passthrough', { upstream: replies.upstreamUnavailable() });
    const reply = await accept(parts, { ...aMessage(), ...captured }, inMemory());
    assert.equal(reply.code, 451);
  });
});
