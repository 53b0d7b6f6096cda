import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { invocation } from './invocation.ts';

const cwd = '/home/jane/smtp-plus';
const argv = ['/usr/bin/node', 'operator/cli.ts'];

describe('how another command is run', () => {
  test('is by npm, where npm has started this one', () => {
    const typedIn = (INIT_CWD: string) => invocation({ env: { npm_lifecycle_event: 'start', INIT_CWD }, argv, cwd });
    assert.equal(typedIn(cwd), 'npm run --silent smtp-plus --');
    assert.equal(typedIn(`${cwd}/examples`), 'npm run --silent smtp-plus --');
    assert.equal(typedIn('/home/jane'), 'npm run --silent --prefix /home/jane/smtp-plus smtp-plus --');
  });

  test('is by its name, where it is installed', () => {
    assert.equal(invocation({ env: {}, argv: ['/usr/bin/node', '/usr/local/bin/smtp-plus'], cwd }), 'smtp-plus');
  });

  test('is by the files that were named, otherwise', () => {
    const found = invocation({ env: {}, argv: ['/usr/bin/node', '/home/ann lee/dist/cli.js'], cwd });
    assert.equal(found, "/usr/bin/node '/home/ann lee/dist/cli.js'");
  });
});
