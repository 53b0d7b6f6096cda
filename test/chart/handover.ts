/** What the chart gives relays that go, and the operator that looks after their mail. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { render, type Rendered } from './helm.ts';

interface PodSet extends Rendered {
  readonly spec: {
    readonly template: { readonly spec: { readonly containers: readonly { readonly args: readonly string[] }[] } };
  };
}

interface Role extends Rendered {
  readonly rules: readonly { readonly resources: readonly string[]; readonly verbs: readonly string[] }[];
}

function find(rendered: readonly Rendered[], kind: string, name: string): Rendered {
  const found = rendered.find((one) => one.kind === kind && one.metadata.name === name);
  return found ?? assert.fail(`no ${kind} ${name}`);
}

function argsOf(rendered: readonly Rendered[], kind: 'StatefulSet' | 'Deployment'): readonly string[] {
  const { containers } = (find(rendered, kind, 'smtp-plus-relay') as PodSet).spec.template.spec;
  return containers.flatMap(({ args }) => args);
}

describe('the chart', () => {
  test('leads relays that go to those that stay, where they have spools', async () => {
    const args = argsOf(await render({ values: {} }), 'StatefulSet');
    assert.ok(args.includes('--peers=smtp-plus-relay-pods.smtp-plus.svc:9466'));
    assert.ok(args.includes('--last-words=/dev/termination-log'));
    const without = await render({ values: { classes: { default: { settings: { spool: 'Refuse' } } } } });
    assert.equal(
      argsOf(without, 'Deployment').some((arg) => arg.startsWith('--peers')),
      false,
    );
  });

  test('gives the operator the right to make pods only where it may empty spools', async () => {
    for (const [drainSpools, verbs] of [
      ['Automatically', ['list', 'watch', 'patch', 'create', 'delete']],
      ['Never', ['list', 'watch', 'patch']],
    ] as const) {
      const rendered = await render({ values: { settings: { drainSpools } } });
      const { rules } = find(rendered, 'Role', 'smtp-plus-operator') as Role;
      const ofPods = rules.filter(({ resources }) => resources.includes('pods'));
      assert.deepEqual(
        ofPods.flatMap((rule) => rule.verbs),
        verbs,
      );
    }
  });
});
