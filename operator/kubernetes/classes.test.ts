import assert from 'node:assert/strict';
import { test } from 'node:test';
import { settingsSchema } from '../settings/settings.ts';
import { readClasses } from './classes.ts';

const classes = (settings: object) =>
  readClasses(settingsSchema.parse(settings), { logKeyOf: () => '', pageToken: () => '' });

test('a class tells users the ports that its settings name, of both kinds', async () => {
  const view = (await classes({ classes: { default: { ports: [587, 25], implicitTlsPorts: [465] } } })).get('default');
  assert.deepEqual([view?.ports, view?.implicitTlsPorts], [[587, 25], [465]]);
});

test('a class that names none tells the first of those that listen', async () => {
  const view = (await classes({ ports: '2525,3000-4000', implicitTlsPorts: '465' })).get('default');
  assert.deepEqual([view?.ports, view?.implicitTlsPorts], [[2525, 3000, 3001, 3002], [465]]);
});
