import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { parseAllDocuments } from 'yaml';
import type { Fleet } from '../relays/fleets.ts';
import { drainPod } from './drain-pod.ts';

interface StatefulSet {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec: { readonly template: Fleet['template'] };
}

test('a pod that drains a spool gives its relay no flag twice, whatever the pods of the fleet are given', async () => {
  const text = await readFile(new URL('../../../deploy/relay.yaml', import.meta.url), 'utf8');
  const fleets = parseAllDocuments(text)
    .map((document) => document.toJS() as StatefulSet)
    .filter(({ kind }) => kind === 'StatefulSet');
  assert.ok(fleets.length > 0);
  for (const { metadata, spec } of fleets) {
    const fleet = { className: 'default', name: metadata.name, uid: '1', relays: 1, volume: 'spool', ...spec };
    const pod = drainPod(fleet, { namespace: 'smtp-plus', relay: `${metadata.name}-1`, claim: 'spool-1' });
    const flags = pod.spec.containers.flatMap(({ args }) => args.map((arg) => arg.replace(/=.*/, '')));
    assert.deepEqual([...new Set(flags)], flags);
    assert.ok(flags.includes('--drain') && flags.includes('--last-words'), flags.join(' '));
  }
});
