/** The plain manifests in deploy/, made of the chart: for those who install without Helm. */
import { renderText } from './helm.ts';

/** As the quick start has it: the examples' sender is vouched for, and mail goes into the capture folder. */
const QUICK_START = {
  crds: { enabled: false },
  classes: { default: { settings: { existingSenders: [{ shop: 'shop.example' }], upstream: { capture: true } } } },
};
/** By template; the rest is for Helm alone. */
const FILES: Readonly<Record<string, string>> = {
  'rbac.yaml': 'rbac.yaml',
  'user-roles.yaml': 'user-roles.yaml',
  'queue-role.yaml': 'queue-role.yaml',
  'operator.yaml': 'operator.yaml',
  'relay.yaml': 'relay.yaml',
  'network-policies.yaml': 'network-policies.yaml',
};
const HEADER = '# Rendered from charts/smtp-plus: UPDATE_DEPLOY=1 npm run test:chart writes it anew.\n';

/** Name and text of each file. */
export async function deployFiles(): Promise<ReadonlyMap<string, string>> {
  const [everywhere, namespaced] = await Promise.all([
    renderText({ values: QUICK_START }),
    renderText({ values: { ...QUICK_START, watchNamespaces: ['shop'] } }),
  ]);
  const files = new Map(Object.entries(FILES).map(([template, name]) => [name, HEADER + textOf(everywhere, template)]));
  return files.set('namespaced/rbac.yaml', HEADER + textOf(namespaced, 'rbac.yaml'));
}

/** All objects of one template, without what says that Helm has installed them. */
function textOf(rendered: string, template: string): string {
  return rendered
    .split(/^---\n/m)
    .filter((text) => text.includes(`# Source: smtp-plus/templates/${template}\n`))
    .map((text) =>
      text
        .split('\n')
        .filter((line) => !/^# Source: |^ +(app\.kubernetes\.io\/(managed-by|instance)|helm\.sh\/chart): /.test(line))
        .join('\n')
        .trim(),
    )
    .map((text) => `---\n${text}\n`)
    .join('');
}
