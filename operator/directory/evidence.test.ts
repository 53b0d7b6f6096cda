import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { z } from 'zod';
import { folderOf } from '../../test/support/folder.ts';
import { openEvidence } from './evidence.ts';

const schema = z.object({ key: z.string() });

describe('evidence in a folder', () => {
  test('says what the next process will know, and no sooner', async (t) => {
    const folder = await folderOf(t);
    const { evidence } = await openEvidence(folder, schema);
    const kept = evidence.keep('shop/domain', { key: 'new' });
    assert.deepEqual(evidence.of('shop/domain'), { key: 'new' });
    assert.equal(evidence.keptOf('shop/domain'), undefined);
    assert.equal(evidence.allKept().size, 0);
    await kept;
    assert.deepEqual(evidence.keptOf('shop/domain'), { key: 'new' });
    const next = await openEvidence(folder, schema);
    assert.deepEqual(next.evidence.allKept(), evidence.allKept());
    const forgotten = evidence.forget(['shop/domain']);
    assert.deepEqual(evidence.keptOf('shop/domain'), { key: 'new' });
    await forgotten;
    assert.equal(evidence.keptOf('shop/domain'), undefined);
  });
});
