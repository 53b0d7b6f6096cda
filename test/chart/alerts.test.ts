/** The alerts of the chart, as far as they can be told without Prometheus: who is woken finds out what to do. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import { readAlerts } from '../../tools/chart/alerts.ts';
import { queriesOf, readDashboards } from './dashboards.ts';

const ROOT = path.join(import.meta.dirname, '../..');
const read = (file: string) => readFileSync(path.join(ROOT, file), 'utf8');
const alerts = readAlerts();
const metrics = new Set(
  [...read('docs/reference/metrics.md').matchAll(/^\| `(smtpplus_\w+)` \|/gm)].map(([, name]) => name),
);

/** That a query names, without what Prometheus makes of a histogram. */
function metricsIn(query: string): string[] {
  return [...query.matchAll(/\bsmtpplus_\w+/g)].map(([name]) => name.replace(/_(bucket|sum|count)$/, ''));
}

describe('each alert', () => {
  test('is there once, and promtool tries it', () => {
    const names = alerts.map(({ alert }) => alert);
    assert.equal(new Set(names).size, names.length);
    const tried = new Set(
      [...read('test/chart/alerts.promtool.yaml').matchAll(/alertname: (\w+)/g)].map(([, name]) => name),
    );
    assert.deepEqual(
      names.filter((name) => !tried.has(name)),
      [],
    );
  });

  test('has a section that says what to do, and there is no section without its alert', () => {
    const [, section = ''] = /^## Alerts\n(.*?)^## /ms.exec(read('docs/operate.md')) ?? [];
    const headings = [...section.matchAll(/^### (\w+)$/gm)].map(([, name]) => name);
    assert.deepEqual(new Set(headings), new Set(alerts.map(({ alert }) => alert)));
  });

  test('asks for metrics that there are', () => {
    for (const { alert, expr } of alerts) {
      assert.notDeepEqual(metricsIn(expr), [], alert);
      assert.deepEqual(
        metricsIn(expr).filter((name) => !metrics.has(name)),
        [],
        alert,
      );
    }
  });
});

test('each panel of the dashboards asks for metrics that there are', () => {
  for (const dashboard of readDashboards()) {
    for (const { panel, query } of queriesOf(dashboard)) {
      assert.deepEqual(
        metricsIn(query).filter((name) => !metrics.has(name)),
        [],
        `${dashboard.title}: ${panel}`,
      );
    }
  }
});
