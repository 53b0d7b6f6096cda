/** Prometheus itself, and its promtool. */
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { stringify } from 'yaml';
import { ALERTS_FILE } from '../../tools/chart/alerts.ts';
import { freePorts, startGuarded, waitUntilReady } from '../support/control-plane/process.ts';

export interface Target {
  readonly port: number;
  /** Opens its page. */
  readonly token?: string;
  /** As PodMonitor and ServiceMonitor of the chart have them. */
  readonly labels: Readonly<Record<string, string>>;
}

export function programOf(variable: 'PROMETHEUS' | 'PROMTOOL' | 'GLUA'): string {
  const program = process.env[variable];
  if (program === undefined) throw new Error(`${variable} does not name the program; npm run test:chart sets it`);
  return program;
}

export async function promtool(args: readonly string[]): Promise<string> {
  return (await promisify(execFile)(programOf('PROMTOOL'), args)).stdout;
}

/** It asks its targets over and over, and has the alerts of the chart. */
export async function startPrometheus(folder: string, targets: readonly Target[]) {
  const [port = 0] = await freePorts(1);
  const config = path.join(folder, 'prometheus.yml');
  const scrape_configs = targets.map(({ port: target, token, labels }, i) => ({
    job_name: `smtp-plus-${i}`,
    static_configs: [{ targets: [`127.0.0.1:${target}`], labels }],
    ...(token !== undefined && { authorization: { credentials: token } }),
  }));
  writeFileSync(
    config,
    stringify({
      global: { scrape_interval: '2s', scrape_timeout: '2s', evaluation_interval: '2s' },
      rule_files: [ALERTS_FILE.pathname],
      scrape_configs,
    }),
  );
  const log = path.join(folder, 'prometheus.log');
  const url = `http://127.0.0.1:${port}`;
  const running = startGuarded(
    programOf('PROMETHEUS'),
    [
      `--config.file=${config}`,
      `--storage.tsdb.path=${path.join(folder, 'tsdb')}`,
      `--web.listen-address=127.0.0.1:${port}`,
      '--log.level=warn',
    ],
    log,
  );
  await waitUntilReady(running, log, async () => (await fetch(`${url}/-/ready`)).ok);

  async function ask<Data>(page: string): Promise<Data> {
    const response = await fetch(`${url}/api/v1/${page}`);
    const answer = (await response.json()) as { status: string; error?: string; data: Data };
    if (answer.status !== 'success') throw new Error(`${page}: ${answer.error}`);
    return answer.data;
  }

  return {
    stop: running.stop,
    /** Values of all series that a query gives now. */
    query: async (query: string): Promise<readonly number[]> => {
      const { result } = await ask<{ result: readonly { value: readonly [number, string] }[] }>(
        `query?query=${encodeURIComponent(query)}`,
      );
      return result.map(({ value: [, text] }) => Number(text));
    },
    valuesOf: (label: string, series: string) =>
      ask<readonly string[]>(`label/${label}/values?match[]=${encodeURIComponent(series)}`),
    /** Of the alerts, those that Prometheus could not ask for. */
    troubles: async (): Promise<readonly string[]> => {
      const { groups } = await ask<{ groups: readonly { rules: readonly { name: string; lastError?: string }[] }[] }>(
        'rules',
      );
      return groups.flatMap(({ rules }) =>
        rules.flatMap(({ name, lastError }) => (lastError ? [`${name}: ${lastError}`] : [])),
      );
    },
  };
}
