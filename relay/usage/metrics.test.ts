import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { usageMetrics } from './metrics.ts';

const report = {
  since: '2026-01-01T00:00:00.000Z',
  lists: { 'shop/house': { accepted: 3 } },
  users: {
    'shop/little': { accepted: 1 },
    'shop/much': { accepted: 2, recipients: 4, bounced: 1 },
    'shop/refused': { refused: { auth_failed: 3, too_large: 2 } },
  },
};

describe('metrics of single lists and users', () => {
  test('are none unless somebody asks for them', async () => {
    assert.equal(await usageMetrics(report, 0), '');
  });

  test('are those of the ones with most messages and refusals, and no more than asked for', async () => {
    const lines = (await usageMetrics(report, 2)).split('\n');
    const users = lines.filter((line) => line.startsWith('smtpplus_user_day{'));
    assert.equal(users.length, 14);
    assert.ok(users.includes('smtpplus_user_day{user="shop/much",what="accepted"} 2'));
    assert.ok(users.includes('smtpplus_user_day{user="shop/much",what="bounced"} 1'));
    assert.ok(users.includes('smtpplus_user_day{user="shop/refused",what="refused"} 5'));
    assert.ok(!users.some((line) => line.includes('shop/little')));
    assert.ok(lines.includes('smtpplus_list_day{list="shop/house",what="accepted"} 3'));
  });
});
