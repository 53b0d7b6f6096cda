/** The dashboards of the chart. */
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';

interface Panel {
  readonly type: string;
  readonly title: string;
  readonly targets?: readonly { readonly expr: string }[];
}

export interface Dashboard {
  readonly uid: string;
  readonly title: string;
  readonly panels: readonly Panel[];
  readonly templating: { readonly list: readonly { readonly name: string; readonly definition?: string }[] };
}

const FOLDER = path.join(import.meta.dirname, '../../charts/smtp-plus/files/dashboards');

export function readDashboards(): readonly Dashboard[] {
  return globSync('*.json', { cwd: FOLDER }).map(
    (name) => JSON.parse(readFileSync(path.join(FOLDER, name), 'utf8')) as Dashboard,
  );
}

export function queriesOf({ panels }: Dashboard): readonly { readonly panel: string; readonly query: string }[] {
  return panels.flatMap(({ title, targets = [] }) => targets.map(({ expr }) => ({ panel: title, query: expr })));
}
