/** The generated CRDs on a real API server: what they take, what they refuse, and in which words. */
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parseAllDocuments } from 'yaml';
import type { Manifest } from '../../operator/manifests/parse.ts';
import { readFolder } from '../../operator/manifests/read.ts';
import { API_VERSION } from '../../operator/api/common.ts';
import { isKindName, kindNames, kinds, type KindName } from '../../operator/api/kinds.ts';
import { describeWithControlPlane } from '../support/control-plane.ts';
import { badObjects, badUpdates, type BadObject } from './bad-objects.ts';

const CRDS = fileURLToPath(new URL('../../crds/', import.meta.url));
const EXAMPLES = fileURLToPath(new URL('../../examples/', import.meta.url));
const NAMESPACE = 'shop';

describeWithControlPlane('the CRDs on a real API server', (cluster) => {
  before(async () => {
    await cluster().kubectl(['create', '-f', CRDS]);
    const names = kindNames.map((kind) => `crd/${kinds[kind].plural}.smtpplus.io`);
    await cluster().kubectl(['wait', '--for=condition=Established', '--timeout=60s', ...names]);
    await cluster().kubectl(['create', 'namespace', NAMESPACE]);
  });

  test('are applied on top of themselves by server-side apply, without a warning or a change', async () => {
    const versions = (): Promise<string> =>
      cluster().kubectl(['get', 'crd', '-o', 'jsonpath={.items[*].metadata.resourceVersion}']);
    await cluster().kubectl(['apply', '--server-side', '--force-conflicts', '-f', CRDS]);
    const first = await versions();
    await cluster().kubectl(['apply', '--server-side', '--force-conflicts', '-f', CRDS]);
    assert.equal(await versions(), first);
  });

  test('are structural, non-deprecated and established, each with its own list kind and short name', async () => {
    const crds = JSON.parse(await cluster().kubectl(['get', 'crd', '-o', 'json'])) as CrdList;
    assert.equal(crds.items.length, kindNames.length);
    for (const { metadata, status } of crds.items) {
      const wrong = status.conditions.filter(
        ({ type, status }) => (status === 'True') !== /Established|Accepted/.test(type),
      );
      assert.deepEqual(wrong, [], metadata.name);
    }
    await cluster().kubectl(['get', 'spl,spu,vsender', '--all-namespaces']);
    await cluster().kubectl(['get', 'smtpplus', '--all-namespaces']);
  });

  test('fill in the defaults', async () => {
    const list = await created({ kind: 'SmtpPlusList', name: 'defaults', spec: {} });
    assert.deepEqual(list.spec, {
      relayClassName: 'default',
      suspend: false,
      starttls: 'Required',
      allowedNamespaces: { from: 'Same' },
      delivery: { mode: 'Spool', maxAge: '120h', delayNoticeAfter: '4h' },
    });
    const user = await created({ kind: 'SmtpPlusUser', name: 'defaults', spec: { credentials: { rotation: {} } } });
    const credentials = { deletionPolicy: 'Delete', rotation: {} };
    assert.deepEqual(user.spec, { active: false, mode: 'Live', credentials });
  });

  test('let an immutable field stay while others change', async () => {
    await created({ kind: 'SmtpPlusUser', name: 'steady', spec: { username: 'steady@shop.example' } });
    const manifest = { kind: 'SmtpPlusUser', name: 'steady', spec: { username: 'steady@shop.example', active: true } };
    await cluster().kubectl(['replace', '-f', '-'], { stdin: JSON.stringify(object(manifest)) });
  });

  test('keep what the operator writes into a status, and nothing that a user writes there', async () => {
    const stdin = JSON.stringify({
      ...object({ kind: 'SmtpPlusUser', name: 'liar', spec: {} }),
      status: { username: 'root' },
    });
    await cluster().kubectl(['create', '-f', '-'], { stdin });
    assert.equal(await cluster().kubectl(['-n', NAMESPACE, 'get', 'spu', 'liar', '-o', 'jsonpath={.status}']), '');
  });

  test('select by fields', async () => {
    await created({ kind: 'VerifiedSender', name: 'one', spec: { domain: 'one.example' } });
    await created({ kind: 'VerifiedSender', name: 'two', spec: { domain: 'two.example' } });
    const args = ['-n', NAMESPACE, 'get', 'vsender', '--field-selector', 'spec.domain=two.example', '-o', 'name'];
    assert.equal(await cluster().kubectl(args), 'verifiedsender.smtpplus.io/two\n');
  });

  test('show columns that end in the age, and the reason when asked for more', async () => {
    await created({ kind: 'SmtpPlusList', name: 'columns', spec: {} });
    await created({ kind: 'SmtpPlusUser', name: 'columns', spec: {} });
    await created({ kind: 'VerifiedSender', name: 'columns', spec: { domain: 'columns.example' } });
    for (const kind of kindNames) {
      const header = await cluster().kubectl(['get', kinds[kind].plural, '-A', '-o', 'wide']);
      assert.match(header, /READY +REASON +MESSAGE +AGE\n/, kind);
    }
  });

  test('accept every object in examples/, and lose none on the way through kustomize', async () => {
    const { manifests, problems } = await readFolder(EXAMPLES);
    assert.deepEqual(problems, []);
    const ours = manifests.filter(({ kind }) => isKindName(kind));
    assert.deepEqual([...new Set(ours.map(({ kind }) => kind))].sort(), kindNames);

    const rendered = parseAllDocuments(await cluster().kubectl(['kustomize', EXAMPLES]));
    assert.deepEqual(
      rendered.map((document) => nameOf(document.toJS() as Rendered)).sort(),
      manifests.map(({ kind, name }) => `${kind}/${name}`).sort(),
    );
    await cluster().kubectl(['apply', '-f', '-'], { stdin: namespaces(manifests) });
    const applied = await cluster().kubectl(['apply', '--server-side', '-k', EXAMPLES, '-o', 'name']);
    for (const { kind, name } of ours) {
      assert(applied.includes(`${kinds[kind as KindName].singular}.smtpplus.io/${name}\n`), `${kind} ${name} is lost`);
    }
  });

  refuses('make', badObjects, ['create', '-f', '-']);
  refuses('change into', badUpdates, ['replace', '-f', '-']);

  function refuses(verb: string, bad: readonly BadObject[], args: readonly string[]): void {
    let replies: readonly string[] = [];
    before(async () => {
      const named = bad.map((entry, i) => ({ ...entry, name: badName(entry, verb, i) }));
      const earlier = named.filter((entry) => entry.before !== undefined);
      for (const entry of earlier) await created({ ...entry, spec: entry.before });
      const stdin = named.map((entry) => JSON.stringify(object(entry))).join('\n---\n');
      // one kubectl for all: it goes on after an error, and reports each
      const output = await cluster()
        .kubectl(args, { stdin })
        .catch((error: unknown) => String(error));
      replies = output.split(/(?=^The |^Error)/m);
    });
    for (const [i, entry] of bad.entries()) {
      test(`no one can ${verb} a ${entry.kind} that ${entry.title}`, () => {
        // an unknown field is found before anything else, and the reply does not say in which object
        const marks = [`"${badName(entry, verb, i)}"`, `unknown field "${entry.field}"`];
        const reply = replies.find((reply) => marks.some((mark) => reply.includes(mark)));
        assert(reply, 'it was taken');
        assert.match(reply, entry.server);
        assert(reply.replaceAll(/\[\d+\]/g, '[]').includes(entry.field), `no ${entry.field} in: ${reply}`);
      });
    }
  }

  interface Named {
    readonly kind: string;
    readonly name: string;
    readonly metadata?: object;
    readonly spec?: unknown;
  }

  async function created(named: Named): Promise<{ spec: unknown }> {
    const stdin = JSON.stringify(object(named));
    return JSON.parse(await cluster().kubectl(['create', '-o', 'json', '-f', '-'], { stdin })) as { spec: unknown };
  }

  function object({ kind, name, metadata, spec }: Named): object {
    return { apiVersion: API_VERSION, kind, metadata: { ...metadata, name, namespace: NAMESPACE }, spec };
  }
});

interface CrdList {
  readonly items: readonly {
    readonly metadata: { readonly name: string };
    readonly status: { readonly conditions: readonly { readonly type: string; readonly status: string }[] };
  }[];
}

function badName(entry: BadObject, verb: string, index: number): string {
  return entry.name ?? `${verb.replace(' ', '-')}-${index}`;
}

interface Rendered {
  readonly kind: string;
  readonly metadata: { readonly name: string };
}

function nameOf({ kind, metadata }: Rendered): string {
  return `${kind}/${metadata.name}`;
}

function namespaces(manifests: readonly Manifest[]): string {
  const names = [...new Set(manifests.map(({ namespace }) => namespace).filter((name) => name !== ''))];
  return names
    .map((name) => JSON.stringify({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } }))
    .join('\n---\n');
}
