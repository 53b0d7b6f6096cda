import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { folderOf } from '../support/folder.ts';
import type { Kill, Step } from './child.ts';
import { arrivalsAt, contentsOf, fill, finish, kill, placeFor, startSide, untilKilled } from './sides.ts';

const MESSAGES = Array.from({ length: 12 }, (_, index) => `M${String(index).padStart(4, '0')}`);

const at = (step: Step, count: number): readonly Kill[] =>
  (['before', 'after'] as const).map((when) => ({ step, when, count }));

/** One after the other, as they happen; some once for each message, and then in the middle. */
const CASES = {
  sender: [...at('open', 1), ...at('read', 5), ...at('settle', 5), ...at('close', 1)],
  receiver: [...at('adopt', 5), ...at('forget', 1)],
};

for (const [role, kills] of Object.entries(CASES)) {
  for (const { step, when, count } of kills) {
    test(`a ${role} that is killed ${when} call ${count} of ${step} loses nothing and sends nothing twice`, async (t) => {
      const folder = await folderOf(t);
      const [from, to] = [path.join(folder, 'relay-1'), path.join(folder, 'relay-0')];
      await fill(from, MESSAGES);
      const place = placeFor();
      const sender = { role: 'sender', folder: from, name: 'relay-1', ...place } as const;
      // what it has used up it knows of by what it remembers alone
      const usesUp = role === 'sender';
      const receiver = { role: 'receiver', folder: to, name: 'relay-0', usesUp, ...place } as const;
      const killed = { step, when, count };

      let receiving = startSide({ ...receiver, kill: role === 'receiver' ? killed : undefined });
      t.after(() => kill(receiving));
      await receiving.ready;
      const startSender = () => startSide({ ...sender, kill: role === 'sender' ? killed : undefined });
      const sending = await untilKilled(role === 'receiver' ? receiving : undefined, startSender);
      if (role === 'receiver') receiving = startSide(receiver);

      await finish(sending, () => startSide(sender));
      await kill(receiving);
      assert.deepEqual([...(await contentsOf(from)).keys()], []);
      if (usesUp) assert.deepEqual([...(await arrivalsAt(to))].sort(), MESSAGES);
      else
        assert.deepEqual(
          Object.fromEntries(await contentsOf(to)),
          Object.fromEntries(MESSAGES.map((id) => [id, true])),
        );
    });
  }
}
