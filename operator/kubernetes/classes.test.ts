import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { folderOf } from '../../test/support/folder.ts';
import { classDocument } from '../core/relay-config.ts';
import { filesOfSettings } from '../settings/class-view.ts';
import { settingsSchema } from '../settings/settings.ts';
import { readClasses } from './classes.ts';

const classes = (settings: object) =>
  readClasses(settingsSchema.parse(settings), {
    logKeyOf: () => '',
    counterKeyOf: (name) => `key of ${name}`,
    pageToken: () => '',
  });

test('a class tells users the ports that its settings name, of both kinds', async () => {
  const view = (await classes({ classes: { default: { ports: [587, 25], implicitTlsPorts: [465] } } })).get('default');
  assert.deepEqual([view?.ports, view?.implicitTlsPorts], [[587, 25], [465]]);
});

test('a class that names none tells the first of those that listen', async () => {
  const view = (await classes({ ports: '2525,3000-4000', implicitTlsPorts: '465' })).get('default');
  assert.deepEqual([view?.ports, view?.implicitTlsPorts], [[2525, 3000, 3001, 3002], [465]]);
});

test('relays of a class are told where they count together, with its secrets read', async (t) => {
  const folder = await folderOf(t, { password: 'secret\n', 'ca.crt': 'PEM' });
  const [passwordFile, caFile] = [path.join(folder, 'password'), path.join(folder, 'ca.crt')];
  const sharedCounters = { host: 'valkey.example', username: 'relay', passwordFile, caFile };
  const settings = { classes: { default: { sharedCounters }, other: {} } };
  const views = await classes(settings);
  const told = (name: string) => classDocument(name, views.get(name) ?? assert.fail()).sharedCounters;
  assert.deepEqual(told('default'), {
    kind: 'valkey',
    host: 'valkey.example',
    port: 6379,
    tls: { ca: 'PEM' },
    username: 'relay',
    password: 'secret',
    keyPrefix: 'smtp-plus',
    hashKey: 'key of default',
    timeoutMs: 100,
  });
  assert.equal(told('other'), undefined);
  assert.deepEqual(filesOfSettings(settingsSchema.parse(settings)), [caFile, passwordFile]);
});

test('relays of a class are told why they cannot count together, where a secret cannot be read', async () => {
  const sharedCounters = { host: 'valkey.example', passwordFile: '/nowhere/password' };
  const view = (await classes({ classes: { default: { sharedCounters } } })).get('default');
  assert.equal(view?.sharedCounters?.kind, 'unresolved');
  assert.match(view.sharedCounters.message, /^sharedCounters\.passwordFile of the class: \/nowhere\/password /);
});
