import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Kind, RawObject } from '../core/model.ts';
import { classSettingsSchema } from '../settings.ts';
import { createInstallation, newInstallationId } from '../adapters/installation.ts';
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

  test('says of an entry that there is no room for it, also where it was programmed, and of the users of such a list', () => {
    const { users, planning, full } = start();
    const { meta, spec } = user({});
    const done = { type: 'Programmed', status: 'True', observedGeneration: 1, reason: 'Programmed', message: '' };
    const status = { conditions: [{ ...done, lastTransitionTime: '2026-01-01T00:00:00Z' }] };
    users.set(KEY, { kind: 'SmtpPlusUser', meta, spec, status });
    const programmed = (plans: ReturnType<typeof full>['users']) =>
      plans.get(KEY)?.status.conditions?.find(({ type }) => type === 'Programmed')?.reason;
    assert.equal(programmed(full().users), 'Programmed');
    const document = { className: 'default', fileName: 'shard-000.json' };
    for (const key of ['app.shop', 'shop', 'smtpplus.io/default']) {
      planning.setLeftOut(document, [key]);
      assert.equal(programmed(planning.step()?.users ?? new Map()), 'NotWritten', key);
      assert.equal(programmed(full().users), 'NotWritten', key);
      planning.setLeftOut(document, []);
      assert.equal(programmed(planning.step()?.users ?? new Map()), 'Programmed', key);
    }
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
