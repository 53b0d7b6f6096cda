/** What the statuses of a folder say of mail that does not leave, and the log of a list that is gone. */
import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import type { KnownUpstreams } from '../../relay/observe/upstream-report.ts';
import { conditionsIn, sender, startAdapter, user } from '../support/directory.ts';
import { until } from '../support/eventually.ts';
import { folderOf, writeFiles } from '../support/folder.ts';

const list = (host: string): string => `apiVersion: smtpplus.io/v1alpha1
kind: SmtpPlusList
metadata: {name: house, namespace: shop}
spec: {upstream: {host: ${host}}, delivery: {mode: Passthrough}}
`;
const trouble = { since: '2026-01-01T00:00:00Z', time: '2026-01-01T00:05:00Z', error: 'connect ECONNREFUSED' };

async function start(t: TestContext) {
  const folder = await folderOf(t, {
    'sender.yaml': sender,
    'list.yaml': list('down.example'),
    'user.yaml': user('app', 'listRef: {name: house}, active: true'),
  });
  const state = await folderOf(t);
  const told = { upstreams: [] as KnownUpstreams, fullSince: undefined as Date | undefined };
  const { lines } = await startAdapter(t, folder, state, { told, askMs: 20 });
  const says = async (kind: 'SmtpPlusList' | 'SmtpPlusUser', type: string, wanted: string): Promise<void> => {
    const name = kind === 'SmtpPlusList' ? 'house' : 'app';
    await until(async () => (await conditionsIn(state, kind, name))[type] === wanted);
  };
  return { folder, told, lines, says };
}

describe('in a folder', () => {
  test('a smart host that is down is said of the list and its users, in the log once, until another one is named', async (t) => {
    const { folder, told, lines, says } = await start(t);
    await says('SmtpPlusList', 'UpstreamReachable', 'Unknown NotTried');
    await says('SmtpPlusUser', 'Ready', 'True Ready');
    told.upstreams = [{ lists: ['shop/house'], trouble }];
    await says('SmtpPlusList', 'UpstreamReachable', 'False UpstreamUnreachable');
    await says('SmtpPlusList', 'Ready', 'False UpstreamUnreachable');
    await says('SmtpPlusUser', 'Ready', 'False UpstreamUnreachable');
    const warned = lines.filter((line) => line.includes('UpstreamUnreachable'));
    assert.equal(warned.length, 2);

    // the relay leads the list elsewhere, and knows nothing of that yet
    told.upstreams = [];
    await writeFiles(folder, { 'list.yaml': list('other.example') });
    await says('SmtpPlusList', 'UpstreamReachable', 'Unknown NotTried');
    await says('SmtpPlusUser', 'Ready', 'True Ready');
  });

  test('nobody who wishes to send is ready while the disk is full', async (t) => {
    const { told, says } = await start(t);
    await says('SmtpPlusUser', 'Ready', 'True Ready');
    told.fullSince = new Date();
    await says('SmtpPlusUser', 'Ready', 'False RelaysFull');
    await says('SmtpPlusList', 'Ready', 'False RelaysFull');
    told.fullSince = undefined;
    await says('SmtpPlusUser', 'Ready', 'True Ready');
  });

  test('a list that is deleted says in the log whom that cuts off', async (t) => {
    const { folder, lines, says } = await start(t);
    await says('SmtpPlusUser', 'Ready', 'True Ready');
    await rm(join(folder, 'list.yaml'));
    await says('SmtpPlusUser', 'Ready', 'False ListNotFound');
    const said = lines.filter((line) => line.includes('UsersCutOff'));
    assert.equal(said.length, 1);
    assert.match(said[0] ?? '', /Deleted while 1 user \(shop\/app\) could send through it/);
  });
});
