import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { parse } from 'yaml';
import { formatYaml } from './format-yaml.ts';

const PUNCTUATION = Array.from('-+.0123456789eExXoObB_: #"\'\n\t{}[],&*!|>%@`yn~=/Z');

const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({ unit: fc.constantFrom(...PUNCTUATION) }),
  fc.constantFrom(
    'yes',
    'On',
    'NULL',
    '~',
    '',
    '=',
    '<<',
    '1e5',
    '0x1F',
    '1_000',
    '190:20:30',
    '2026-11-27',
    '2026-11-27T17:47:10Z',
    '.inf',
    '.5',
    '- a',
    'a: b',
    'a #b',
    ' a',
    'a ',
    '---',
    '...',
    'e-1',
    'E+5',
    'NTg3',
    'MjUyNQ==',
    '12345678',
    '\u2028',
    '\u0085',
    '\ufeff',
  ),
);
const { tree } = fc.letrec((tie) => ({
  tree: fc.oneof(
    { depthSize: 'small' },
    text,
    fc.integer(),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie('tree'), { maxLength: 4 }),
    fc.dictionary(
      text.filter((key) => key !== '__proto__'),
      tie('tree'),
      { maxKeys: 4 },
    ),
  ),
}));

describe('YAML as written here', () => {
  for (const version of ['1.1', '1.2'] as const) {
    test(`is read as what it was by a reader of version ${version}`, () => {
      fc.assert(
        fc.property(fc.dictionary(fc.constantFrom('metadata', 'status', 'data'), tree), (value) => {
          const plain: unknown = JSON.parse(JSON.stringify(value));
          assert.deepEqual(JSON.parse(JSON.stringify(parse(formatYaml(plain), { version }))), plain);
        }),
        { numRuns: 2000 },
      );
    });
  }

  test('is what a person would write', () => {
    const value = {
      metadata: { name: 'a', labels: {}, none: undefined },
      ports: [],
      list: [{ a: 'b c', d: ['x', 1] }, 'f'],
      data: { password: '4Y2aVXMtZuFhUw==', number: '587', time: '2026-11-27T17:47:10Z', text: 'It is: fine.' },
    };
    assert.equal(
      formatYaml(value),
      `metadata:
  name: a
  labels: {}
ports: []
list:
  - a: b c
    d:
      - x
      - 1
  - f
data:
  password: 4Y2aVXMtZuFhUw==
  number: "587"
  time: "2026-11-27T17:47:10Z"
  text: "It is: fine."
`,
    );
  });
});
