/** What shells, editors and containers get of the command line. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse, parseAllDocuments } from 'yaml';
import { z } from 'zod';
import { describe, test, type TestContext } from 'node:test';
import { renderSchemas } from '../../operator/json-schemas.ts';
import { runCommand } from '../support/command.ts';
import { run } from '../support/commands.ts';
import { folderOf } from '../support/folder.ts';

const EXAMPLES = fileURLToPath(new URL('../../examples', import.meta.url));

/** Words on the command line, the last one being completed, and what is offered. */
const CASES: readonly (readonly [readonly string[], readonly string[]])[] = [
  [['stat'], ['status']],
  [['queue', 'l'], ['list']],
  [['queue', 'list', '--only', 'h'], ['held']],
  [
    ['status', '-o', ''],
    ['text', 'json'],
  ],
  [['rotate', '--le'], ['--leaked']],
  [['import', 'docker'], ['docker-postfix']],
];

function isInstalled(t: TestContext, shell: string): boolean {
  try {
    execFileSync('sh', ['-c', `command -v ${shell}`], { stdio: 'ignore' });
    return true;
  } catch {
    t.skip(`${shell} is not installed`);
    return false;
  }
}

async function scriptFor(t: TestContext, shell: string): Promise<string> {
  const { code, stdout } = await runCommand(['completion', shell]);
  assert.equal(code, 0);
  return join(await folderOf(t, { script: stdout }), 'script');
}

describe('completion', () => {
  test('offers commands, options and values in bash', async (t) => {
    if (!isInstalled(t, 'bash')) return;
    const file = await scriptFor(t, 'bash');
    for (const [words, offered] of CASES) {
      const program =
        'source "$1"; shift; COMP_WORDS=(smtp-plus "$@"); COMP_CWORD=$#; _smtp_plus; printf "%s\\n" "${COMPREPLY[@]}"';
      const { stdout } = await run('bash', ['--norc', '-c', program, 'bash', file, ...words], {
        cwd: join(file, '..'),
      });
      assert.deepEqual(stdout.trim().split('\n'), offered, words.join(' '));
    }
  });

  test('offers commands, options and values in zsh', async (t) => {
    if (!isInstalled(t, 'zsh')) return;
    const file = await scriptFor(t, 'zsh');
    for (const [words, offered] of CASES) {
      // outside of its line editor, what is offered is all that its `compadd` gets; it leaves out what does not fit
      const program =
        'compdef() { :; }; source "$1"; shift; compadd() { shift; print -rl -- "$@" }; _files() { :; }; ' +
        'words=(smtp-plus "$@"); CURRENT=$#words; PREFIX="$words[-1]"; _smtp_plus';
      const { stdout } = await run('zsh', ['-f', '-c', program, 'zsh', file, ...words]);
      const fitting = stdout
        .trim()
        .split('\n')
        .filter((one) => one.startsWith(words.at(-1) ?? ''));
      assert.deepEqual(fitting, offered, words.join(' '));
    }
  });

  test('offers commands, options and values in fish', async (t) => {
    if (!isInstalled(t, 'fish')) return;
    const file = await scriptFor(t, 'fish');
    for (const [words, offered] of CASES) {
      const program = `source $argv[1]; complete -C "smtp-plus ${words.join(' ')}" | string replace -r '\\t.*' ''`;
      const { stdout } = await run('fish', ['--no-config', '-c', program, file]);
      assert.deepEqual(stdout.trim().split('\n').toSorted(), offered.toSorted(), words.join(' '));
    }
  });

  test('knows no other shell', async () => {
    const { code, stderr } = await runCommand(['completion', 'cmd']);
    assert.deepEqual([code, /Allowed choices are bash, zsh, fish/.test(stderr)], [2, true]);
  });
});

describe('schemas for editors', () => {
  test('take the examples as they are, and no field that does not exist', async () => {
    const schemaOf = (name: string) =>
      z.fromJSONSchema(JSON.parse(renderSchemas().get(`${name}.json`) ?? '') as boolean);
    const settings = parse(await readFile(`${EXAMPLES}/settings.yaml`, 'utf8')) as object;
    assert.deepEqual(schemaOf('settings').safeParse(settings).error?.issues, undefined);
    assert.equal(schemaOf('settings').safeParse({ ...settings, hots: 'x' }).success, false);
    let seen = 0;
    for (const name of ['marketing', 'newsletter', 'orders', 'sandbox', 'transactional']) {
      const text = await readFile(`${EXAMPLES}/${name}.yaml`, 'utf8');
      assert.ok(text.startsWith('# yaml-language-server: $schema=../schemas/manifest.json\n'), name);
      for (const document of parseAllDocuments(text)) {
        const manifest = document.toJS() as { readonly kind: string; readonly spec: object };
        const schema = schemaOf(manifest.kind.toLowerCase());
        assert.deepEqual(schema.safeParse(manifest).error?.issues, undefined, name);
        assert.equal(schema.safeParse({ ...manifest, spec: { ...manifest.spec, activ: true } }).success, false, name);
        seen++;
      }
    }
    assert.ok(seen > 5);
  });

  test('are those in the folder of that name', async () => {
    for (const [name, text] of renderSchemas()) {
      assert.equal(await readFile(new URL(`../../schemas/${name}`, import.meta.url), 'utf8'), text, name);
    }
    const { stdout } = await runCommand(['schema', 'smtpplususer']);
    assert.equal(stdout, renderSchemas().get('smtpplususer.json'));
    const unknown = await runCommand(['schema', 'Pod']);
    assert.deepEqual(
      [unknown.code, /there is no schema of Pod; there are manifest, settings/.test(unknown.stderr)],
      [2, true],
    );
  });
});

describe('healthcheck', () => {
  async function serving(t: TestContext, status: number, words: string): Promise<string> {
    const server = createServer((_, response) => {
      response.statusCode = status;
      response.end(words);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    t.after(() => server.close());
    return String((server.address() as AddressInfo).port);
  }

  test('is well where the process says so, and otherwise passes on why not', async (t) => {
    const well = await runCommand(['healthcheck', '--http', await serving(t, 200, 'ok\n')]);
    assert.deepEqual([well.code, well.stdout], [0, 'ok\n']);
    const ill = await runCommand(['healthcheck', '--http', await serving(t, 503, 'the spool failed\n')]);
    assert.deepEqual([ill.code, ill.stdout], [1, 'the spool failed\n']);
    const gone = await runCommand(['healthcheck', '--http', '9', '-o', 'json']);
    assert.deepEqual([gone.code, /nobody answers at http:\/\/127\.0\.0\.1:9\/readyz/.test(gone.stderr)], [1, true]);
  });
});
