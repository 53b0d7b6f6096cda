/** The operator's rights: enough for every behaviour (all tests here run with them), and not one more. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { before, test } from 'node:test';
import { parseAllDocuments } from 'yaml';
import { describeWithControlPlane } from '../support/control-plane.ts';
import { eventually, until } from '../support/eventually.ts';
import { createAdmin, list, namespace, secret, sender, user, type Admin } from './support/admin.ts';
import { installEndpoints, recordsOf } from './support/dns-endpoints.ts';
import { createFleet } from './support/fleet.ts';
import { install, OPERATOR_NAMESPACE, startTestOperator } from './support/operator.ts';
import { startRelayPod } from './support/relay-pod.ts';

const STRANDED = `${OPERATOR_NAMESPACE}/smtp-plus-relay-0`;

interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  /** Absent: all. */
  readonly resourceNames?: readonly string[];
  readonly verbs: readonly string[];
}

interface EventObject {
  readonly reason: string;
  readonly count?: number;
  readonly lastTimestamp?: string;
  readonly series?: { readonly count: number };
}

interface Role {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly rules?: readonly Rule[];
}

describeWithControlPlane('the RBAC manifests', (cluster) => {
  let kubeconfig: string;
  before(async () => {
    kubeconfig = await install(cluster());
  });

  test('give the operator what it uses, and nothing else', async () => {
    const admin = createAdmin(cluster(), OPERATOR_NAMESPACE);
    await installEndpoints(cluster());
    const operator = await startTestOperator(cluster(), kubeconfig, { settings: signing('signed'), withLease: true });
    const pod = await startRelayPod(admin, 'relay-0');
    await admin.apply(namespace('shop'), sender('shop/domain', { domain: 'shop.example' }), list('shop/letters'));
    await admin.apply(secret('shop/taken-smtp', { mine: 'yes' }), user('shop/app'), user('shop/taken'));
    await admin.waitFor('SmtpPlusUser', 'shop/taken', 'CredentialsReady', 'False SecretNotOwned');
    await admin.secret('shop/app-smtp');
    await until(async () => (await admin.relayUsers())['app.shop'] !== undefined, { what: 'the user is configured' });
    await admin.patch('Secret', 'shop/app-smtp', { data: { host: 'AAAA' } });
    await eventually(async () => assert.equal((await admin.secret('shop/app-smtp'))['host'], 'localhost'));
    await admin.apply(user('shop/app', { credentials: { secretName: 'other' } }));
    await eventually(async () => assert.equal(await admin.get('Secret', 'shop/app-smtp'), undefined));
    const fleet = createFleet(admin);
    await fleet.scale(0);
    await fleet.startRelay(0);
    await fleet.stopRelay(0, 1);
    await until(async () => (await admin.get('Pod', STRANDED)) !== undefined, { what: 'a pod empties the volume' });
    await fleet.drained('smtp-plus-relay-0', 0);
    await until(async () => (await admin.get('Pod', STRANDED)) === undefined, { what: 'it is gone' });
    await fleet.remove();
    await useEndpoints(admin, 'signed');
    // what look-ups find out is kept before the lease is given back
    await operator.idle();
    await pod.close();
    await operator.close();
    // a second one has something to say again that an Event of the first says already
    const second = await startTestOperator(cluster(), kubeconfig, {});
    const wish = (active: boolean) => user('shop/app', { active, credentials: { secretName: 'other' } });
    await admin.apply(wish(false));
    await admin.waitFor('SmtpPlusUser', 'shop/app', 'Active', 'False Inactive');
    await admin.apply(wish(true));
    await admin.waitFor('SmtpPlusUser', 'shop/app', 'Active', 'False NoVerifiedSender');
    await eventually(async () => {
      const events = await cluster().kubectl(['-n', 'shop', 'get', 'events', '-o', 'json']);
      const { items } = JSON.parse(events) as { items: EventObject[] };
      const again = items.find(({ reason, series }) => reason === 'NoVerifiedSender' && series !== undefined);
      assert.ok((again?.series?.count ?? 0) >= 2, 'what happens again is a series of one Event');
      assert.equal(again?.count, again?.series?.count);
      // what `--sort-by=.lastTimestamp` sorts by
      assert.ok(items.every(({ lastTimestamp }) => !Number.isNaN(Date.parse(lastTimestamp ?? ''))));
    });
    await eventually(() => {
      const used = usedRights(cluster().auditLog);
      assert.deepEqual(
        grantedRights().filter((right) => !used.has(right)),
        [],
        'granted and not used',
      );
    });
    // it says where mail waits
    const troubles = [...operator.troubles, ...second.troubles].filter((one) => !one.startsWith('volume '));
    assert.deepEqual(troubles, []);
    await second.close();
    admin.client.close();
  });

  test('give an operator of some namespaces the same rights there', () => {
    const rulesOf = (file: string, names: readonly string[]) =>
      documents(file).flatMap(({ kind, metadata, rules = [] }) =>
        names.includes(`${kind}/${metadata.name}`) ? rules : [],
      );
    const everywhere = rulesOf('deploy/rbac.yaml', ['ClusterRole/smtp-plus-operator']);
    const parts = rulesOf('deploy/namespaced/rbac.yaml', ['Role/smtp-plus-operator-users']);
    const isAboutNamespaces = ({ resources }: Rule): boolean => resources.includes('namespaces');
    const sorted = (rules: readonly Rule[]) =>
      rules
        .filter((rule) => !isAboutNamespaces(rule))
        .map((rule) => JSON.stringify(rule))
        .toSorted();
    assert.deepEqual(sorted(parts), sorted(everywhere));
    assert.deepEqual(parts.filter(isAboutNamespaces), [
      { apiGroups: [''], resources: ['namespaces'], resourceNames: ['shop'], verbs: ['get'] },
    ]);
    assert.deepEqual(
      documents('deploy/namespaced/rbac.yaml').filter(({ kind }) => kind.startsWith('Cluster')),
      [],
      'nothing is for the whole cluster',
    );
  });

  test('give relay pods neither a token nor a right', () => {
    const relay = documents('deploy/relay.yaml').find(({ kind }) => kind === 'StatefulSet');
    const pod = (relay as Role & { spec: { template: { spec: Record<string, unknown> } } }).spec.template.spec;
    assert.equal(pod['automountServiceAccountToken'], false);
    const manifests = readFileSync('deploy/rbac.yaml', 'utf8') + readFileSync('deploy/user-roles.yaml', 'utf8');
    const bindings = parseAllDocuments(manifests)
      .map((document) => document.toJS() as { subjects?: { name: string }[] })
      .flatMap(({ subjects = [] }) => subjects);
    assert.equal(bindings.length > 0 && bindings.every(({ name }) => name !== pod['serviceAccountName']), true);
  });

  test('stand beside manifests that the API server takes without a warning', async () => {
    const names = ['operator', 'relay', 'user-roles', 'queue-role', 'network-policies'];
    const files = names.flatMap((name) => ['-f', `deploy/${name}.yaml`]);
    await cluster().kubectl(['apply', '--dry-run=server', '--validate=strict', ...files]);
  });

  test('stand beside manifests that are applied again without a change', async () => {
    await cluster().kubectl(['apply', '-k', 'deploy']);
    const again = await cluster().kubectl(['apply', '-k', 'deploy']);
    const changed = again.split('\n').filter((line) => line !== '' && !line.endsWith(' unchanged'));
    // of this kind kubectl says so whatever is there; whether anything differs, `diff` tells for all
    const budgets = ['smtp-plus-operator', 'smtp-plus-relay'];
    assert.deepEqual(
      changed.toSorted(),
      budgets.map((name) => `poddisruptionbudget.policy/${name} configured`),
    );
    assert.equal(await cluster().kubectl(['diff', '-k', 'deploy']), '');
  });

  test('let nobody but the operator write a status', async () => {
    const roles = documents('deploy/user-roles.yaml');
    assert.deepEqual(
      roles
        .flatMap(({ rules = [] }) => rules.flatMap(({ resources }) => resources))
        .filter((name) => name.includes('/')),
      [],
    );
    await cluster().kubectl(['create', 'namespace', 'team']);
    const editor = await cluster().serviceAccount('team', 'editor');
    await cluster().kubectl([
      '-n',
      'team',
      'create',
      'rolebinding',
      'editor',
      '--clusterrole=smtp-plus-edit',
      '--serviceaccount=team:editor',
    ]);
    const can = (verb: string, resource: string, ...more: string[]) =>
      cluster()
        .kubectl(['auth', 'can-i', verb, resource, '-n', 'team', ...more], { kubeconfig: editor })
        .then(
          () => true,
          () => false,
        );
    assert.equal(await can('create', 'smtpplususers.smtpplus.io'), true);
    assert.equal(await can('patch', 'smtpplususers.smtpplus.io', '--subresource=status'), false);
  });

  test('let an operator of some namespaces read nothing of the others', async (t) => {
    t.after(async () => {
      await cluster().kubectl(['apply', '-f', 'deploy/rbac.yaml']);
    });
    await cluster().kubectl(['create', 'namespace', 'inside']);
    // nothing is left of the rights in the whole cluster
    await cluster().kubectl(['delete', 'clusterrolebinding/smtp-plus-operator', 'clusterrole/smtp-plus-operator']);
    await cluster().kubectl(['create', 'namespace', 'outside']);
    // rendered for one namespace, `shop`
    const stdin = readFileSync('deploy/namespaced/rbac.yaml', 'utf8').replaceAll('"shop"', '"inside"');
    await cluster().kubectl(['apply', '-f', '-'], { stdin });
    const admin = createAdmin(cluster(), OPERATOR_NAMESPACE);
    await admin.apply(user('inside/app'), user('outside/app'));
    await installEndpoints(cluster());
    const settings = { watchNamespaces: ['inside'], ...signing('inside') };
    const operator = await startTestOperator(cluster(), kubeconfig, { settings });
    await admin.secret('inside/app-smtp');
    await useEndpoints(admin, 'inside');
    await operator.idle();
    assert.equal(await admin.get('Secret', 'outside/app-smtp'), undefined);
    await assert.rejects(cluster().kubectl(['-n', 'outside', 'get', 'secrets'], { kubeconfig }), /forbidden/i);
    await assert.rejects(cluster().kubectl(['get', 'namespaces'], { kubeconfig }), /forbidden/i);
    assert.deepEqual(operator.troubles, []);
    await operator.close();
    admin.client.close();
  });
});

/** Settings by which PLACE.example is verified in the namespace PLACE, and has keys, though nothing is there to be asked. */
function signing(place: string): object {
  return {
    verification: { dnsServers: ['127.0.0.1:9'] },
    classes: { default: { existingSenders: [{ [place]: `${place}.example` }] } },
  };
}

/** Has a DNSEndpoint made, put right and deleted. */
async function useEndpoints(admin: Admin, place: string): Promise<void> {
  const key = `${place}/domain-smtp-plus`;
  const wish = (publish: string) =>
    sender(`${place}/domain`, { domain: `${place}.example`, dkim: { signing: 'Enabled' }, dns: { publish } });
  const records = async () => recordsOf(await admin.get('DNSEndpoint', key)).length;
  await admin.apply(namespace(place), wish('DNSEndpoint'));
  await until(async () => (await records()) === 2, { what: 'it is made' });
  await admin.patch('DNSEndpoint', key, { spec: { endpoints: [] } });
  await until(async () => (await records()) === 2, { what: 'it is put right' });
  await admin.apply(wish('None'));
  const find = () => admin.get('DNSEndpoint', key);
  await until(async () => (await find()) === undefined, { what: 'it is deleted' });
  await admin.remove('VerifiedSender', `${place}/domain`);
}

function documents(file: string): Role[] {
  return parseAllDocuments(readFileSync(file, 'utf8')).map((document) => document.toJS() as Role);
}

/** `VERB GROUP/RESOURCE NAME in SCOPE` for each right of the operator; `*` for any name. */
function grantedRights(): string[] {
  const rights: string[] = [];
  for (const { kind, rules = [] } of documents('deploy/rbac.yaml')) {
    const scope = kind === 'Role' ? 'own namespace' : 'cluster';
    for (const { apiGroups, resources, resourceNames = ['*'], verbs } of rules) {
      const names = apiGroups.flatMap((group) =>
        resources.flatMap((resource) => resourceNames.map((name) => `${group}/${resource} ${name}`)),
      );
      rights.push(...names.flatMap((name) => verbs.map((verb) => `${verb} ${name} in ${scope}`)));
    }
  }
  return rights;
}

interface AuditEvent {
  readonly verb: string;
  readonly user: { readonly username: string };
  readonly objectRef?: {
    readonly apiGroup?: string;
    readonly resource: string;
    readonly subresource?: string;
    readonly namespace?: string;
    readonly name?: string;
  };
  readonly responseStatus?: { readonly code: number };
}

/** What the API server has seen the operator do. */
function usedRights(log: string): Set<string> {
  const used = new Set<string>();
  for (const line of readFileSync(log, 'utf8').split('\n')) {
    if (line === '') continue;
    const {
      verb,
      user: { username },
      objectRef,
    } = JSON.parse(line) as AuditEvent;
    if (username !== `system:serviceaccount:${OPERATOR_NAMESPACE}:smtp-plus-operator` || objectRef === undefined)
      continue;
    const { apiGroup = '', resource, subresource, namespace: where, name: object = '' } = objectRef;
    const name = subresource === undefined ? resource : `${resource}/${subresource}`;
    const scope = where === OPERATOR_NAMESPACE ? 'own namespace' : 'cluster';
    for (const one of ['*', object]) used.add(`${verb} ${apiGroup}/${name} ${one} in ${scope}`);
  }
  return used;
}
