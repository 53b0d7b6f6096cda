import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { Finding } from './finding.ts';
import { formatCheckReport } from './report.ts';
import { rules } from './rules.ts';

const finding: Finding = {
  severity: 'error',
  rule: 'schema',
  source: { file: 'apps/my shop#1.yaml', line: 3, column: 5 },
  object: 'SmtpPlusUser shop/orders',
  message: 'spec.mode must be one of Live, Sandbox; it is "live".',
};

interface Run {
  readonly tool: { readonly driver: { readonly name: string; readonly rules: readonly { readonly id: string }[] } };
  readonly results: readonly {
    readonly ruleId: string;
    readonly ruleIndex: number;
    readonly locations: readonly { readonly physicalLocation: { readonly artifactLocation: object } }[];
  }[];
  readonly [field: string]: unknown;
}

function sarif(findings: readonly Finding[], unreported = 0): { version: string; $schema: string; run: Run } {
  const report = { paths: ['apps'], findings, unreported, objects: 2, ignored: new Map() };
  const { runs, ...rest } = JSON.parse(formatCheckReport(report, 'sarif')) as {
    version: string;
    $schema: string;
    runs: [Run];
  };
  return { ...rest, run: runs[0] };
}

function placeOf(file: string): object | undefined {
  const { run } = sarif([{ ...finding, source: { ...finding.source, file } }]);
  return run.results[0]?.locations[0]?.physicalLocation.artifactLocation;
}

describe('a report as SARIF', () => {
  test('is one run of 2.1.0 with the place, the object and the words of each finding', () => {
    const { version, $schema, run } = sarif([finding]);
    assert.equal(version, '2.1.0');
    assert.match($schema, /sarif-2\.1\.0\.json$/);
    assert.equal(run.tool.driver.name, 'smtp-plus');
    assert.deepEqual(run.results, [
      {
        ruleId: 'schema',
        ruleIndex: 0,
        level: 'error',
        message: { text: 'SmtpPlusUser shop/orders: spec.mode must be one of Live, Sandbox; it is "live".' },
        locations: [
          {
            physicalLocation: {
              artifactLocation: { uri: 'apps/my%20shop%231.yaml', uriBaseId: '%SRCROOT%' },
              region: { startLine: 3, startColumn: 5 },
            },
            logicalLocations: [{ fullyQualifiedName: 'SmtpPlusUser shop/orders', kind: 'object' }],
          },
        ],
      },
    ]);
  });

  test('describes each rule that it uses once, as code scanning shows it', () => {
    const { run } = sarif([finding, { ...finding, rule: 'ListNotFound' }, finding]);
    assert.deepEqual(run.tool.driver.rules[1], {
      id: 'schema',
      shortDescription: { text: 'A value is not valid.' },
      fullDescription: { text: `A value is not valid. ${rules.schema.help}` },
      help: { text: rules.schema.help },
      properties: { tags: ['smtp-plus'] },
    });
    for (const { ruleId, ruleIndex } of run.results) assert.equal(run.tool.driver.rules[ruleIndex]?.id, ruleId);
  });

  test('names files as they are in the repository that it runs in, and others as they are', () => {
    assert.deepEqual(placeOf(join(process.cwd(), 'apps/a.yaml')), { uri: 'apps/a.yaml', uriBaseId: '%SRCROOT%' });
    assert.deepEqual(placeOf('./apps/../b.yaml'), { uri: 'b.yaml', uriBaseId: '%SRCROOT%' });
    assert.deepEqual(placeOf('../elsewhere/c.yaml'), { uri: '../elsewhere/c.yaml' });
    assert.deepEqual(placeOf('<stdin>'), { uri: '%3Cstdin%3E', uriBaseId: '%SRCROOT%' });
  });

  test('says that it left findings out', () => {
    assert.match(JSON.stringify(sarif([finding], 7).run['invocations']), /7 more findings are not shown/);
  });

  test('is whole where nothing is found', () => {
    const { run } = sarif([]);
    assert.deepEqual([run.results, run.tool.driver.rules], [[], []]);
  });
});
