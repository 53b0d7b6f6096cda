/** The relay classes that lists name: only the settings define them, so that nothing else can tell which there are. */
import { noSuchClass } from '../core/lists/lists.ts';
import { DEFAULT_CLASS } from '../core/names.ts';
import { texts } from '../api/plain-data.ts';
import type { Manifest } from '../manifests/parse.ts';
import { findingAt, type Finding } from './finding.ts';
import { mostSimilar } from './similar.ts';

/** The class of a list. */
export function classOf({ value }: Manifest): string {
  return texts(value['spec'])['relayClassName'] ?? DEFAULT_CLASS;
}

/** @param known absent where no settings are at hand: a process without any has the class `default`. */
export function checkClasses(lists: readonly Manifest[], known: readonly string[] | undefined): Finding[] {
  return lists
    .map((list) => ({ list, name: classOf(list) }))
    .filter(({ name }) => !(known ?? [DEFAULT_CLASS]).includes(name))
    .map(({ list, name }) => {
      const finding = known === undefined ? notKnown(name) : notFound(name, known);
      return findingAt(list, ['spec', 'relayClassName'], finding);
    });
}

function notKnown(name: string): Pick<Finding, 'severity' | 'rule' | 'message'> {
  const message = `spec.relayClassName: only the settings say whether there is a relay class ${name}; name their file with --settings.`;
  return { severity: 'warning', rule: 'RelayClassNotKnown', message };
}

function notFound(name: string, known: readonly string[]): Pick<Finding, 'severity' | 'rule' | 'message'> {
  const similar = mostSimilar(name, known);
  const hint = similar === undefined ? '' : ` Did you mean ${similar}?`;
  return { severity: 'error', rule: 'RelayClassNotFound', message: noSuchClass(name) + hint };
}
