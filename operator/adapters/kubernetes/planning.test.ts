import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Kind, RawObject } from '../../core/model.ts';
import { classSettingsSchema } from '../../settings.ts';
import { createInstallation, newInstallationId } from '../installation.ts';
import { createPlanning, type Sources } from './planning.ts';

const KEY = 'shop/app';
const VIEW = {
  settings: classSettingsSchema.parse({}),
  upstream: { kind: 'capture' },
  ports: [587],
  implicitTlsPorts: [],
} as const;

function user(spec: object): RawObject {
  const meta = { namespace: 'shop', name: 'app', uid: 'uid', generation: 1, labels: {}, annotations: {} };
  return { kind: 'SmtpPlusUser', meta, spec };
}

describe('planning', () => {
  function start() {
    const users = new Map<string, RawObject>();
    const of = (kind: Kind): ReadonlyMap<string, RawObject> => (kind === 'SmtpPlusUser' ? users : new Map());
    const sources: Sources = {
      object: (kind, key) => of(kind).get(key),
      objectKeys: (kind) => of(kind).keys(),
      secret: () => undefined,
      secretKeys: () => [],
      namespace: () => ({}),
      namespaceNames: () => ['shop'],
    };
    const planning = createPlanning(sources, createInstallation(newInstallationId()).craft, () => undefined);
    return { users, planning, full: () => planning.full(new Map([['default', VIEW]])) };
  }

  test('looks at what was marked, and at nothing else', () => {
    const { users, planning, full } = start();
    full();
    users.set(KEY, user({}));
    assert.equal(planning.step()?.users.size, 0);
    planning.markObject('SmtpPlusUser', KEY);
    assert.deepEqual([...(planning.step()?.users.keys() ?? [])], [KEY]);
  });

  test('of everything takes in what nobody has marked', () => {
    const { users, full } = start();
    full();
    users.set(KEY, user({}));
    assert.ok(full().users.get(KEY)?.secret);
    users.clear();
    assert.equal(full().users.size, 0);
  });
});
