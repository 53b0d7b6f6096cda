import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Finding } from './finding.ts';
import type { CheckReport } from './output.ts';
import { formatCheckReport } from './report.ts';

const finding: Finding = {
  severity: 'error',
  rule: 'schema',
  source: { file: 'apps/shop.yaml', line: 3, column: 5 },
  object: 'SmtpPlusUser shop/orders',
  message: 'spec.mode must be one of Live, Sandbox; it is "live".',
};

function report(...findings: Finding[]): CheckReport {
  return { paths: ['apps'], findings, unreported: 0, objects: 2, ignored: new Map([['apps/v1 Deployment', 3]]) };
}

describe('a report as text', () => {
  test('has one line for each finding that editors can jump to, and a summary', () => {
    assert.equal(
      formatCheckReport(report(finding), 'text'),
      `apps/shop.yaml:3:5: error: SmtpPlusUser shop/orders: spec.mode must be one of Live, Sandbox; it is "live". [schema]
2 objects checked in apps: 1 error, 0 warnings.
Not checked, since they are of other kinds: 3 apps/v1 Deployment.
`,
    );
  });

  test('sends no control or direction characters from a manifest to the terminal', () => {
    const text = formatCheckReport(
      report({ ...finding, message: 'spec.\u001b[31m\u202Eevil is not a field.' }),
      'text',
    );
    assert.match(text, /spec\.\\u\{1b\}\[31m\\u\{202e\}evil/);
  });

  test('says how many findings it left out', () => {
    assert.match(formatCheckReport({ ...report(finding), unreported: 7 }, 'text'), /^7 more findings are not shown/m);
  });
});

describe('a report for GitHub', () => {
  test('is one workflow command for each finding, with the place in the file', () => {
    const [command] = formatCheckReport(report(finding), 'github').split('\n');
    assert.equal(
      command,
      '::error file=apps/shop.yaml,line=3,col=5,title=SmtpPlusUser shop/orders::spec.mode must be one of Live, Sandbox; it is "live". [schema]',
    );
  });

  test('lets nothing in a manifest begin a command of its own, or end a property', () => {
    const evil = {
      ...finding,
      source: { file: 'a,line=1::b%0A\n::stop-commands::x', line: 1, column: 1 },
      message: 'it is\r\n::add-mask::x 100%0A.',
    };
    const lines = formatCheckReport(report(evil), 'github').split('\n');
    assert.equal(lines.filter((line) => line.startsWith('::')).length, 1);
    const [, properties = '', message = ''] = /^::error (.*?)::(.*)$/.exec(lines[0] ?? '') ?? [];
    assert.match(properties, /^file=[^,:]*,line=1,col=1,title=[^,:]*$/);
    assert.equal(message, 'it is\\u{d}\\u{a}::add-mask::x 100%250A. [schema]');
  });
});

describe('a report as JSON', () => {
  test('is one document with all that the text says', () => {
    assert.deepEqual(JSON.parse(formatCheckReport(report(finding), 'json')), {
      paths: ['apps'],
      objects: 2,
      unreported: 0,
      ignored: { 'apps/v1 Deployment': 3 },
      findings: [
        {
          severity: 'error',
          rule: 'schema',
          file: 'apps/shop.yaml',
          line: 3,
          column: 5,
          object: 'SmtpPlusUser shop/orders',
          message: 'spec.mode must be one of Live, Sandbox; it is "live".',
        },
      ],
    });
  });
});
