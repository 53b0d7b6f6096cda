/** The tables of docs/reference/: replies, reasons, settings and metrics, from the code that they describe. */
import type { Registry } from 'prom-client';
import { z } from 'zod';
import { reasons } from '../operator/core/reasons.ts';
import { createOperatorMetrics } from '../operator/kubernetes/metrics.ts';
import { createMetrics } from '../relay/observe/metrics.ts';
import { createCounterMetrics } from '../relay/counters/metrics.ts';
import { createUsageMetrics } from '../relay/usage/metrics.ts';
import { createParentMetrics } from '../relay/workers/metrics.ts';
import { formatReply } from '../relay/smtp/server/format-reply.ts';
import { remedies } from '../relay/remedies.ts';
import { replies } from '../relay/replies.ts';
import { classSettingsSchema, settingsSchema } from '../operator/settings/settings.ts';

/** What stands in the table for the arguments of a reply, by their names in replies.ts. All others: the name in capitals. */
const PLACEHOLDERS: Record<string, string> = {
  supported: 'MECHANISMS',
  user: 'USER',
  list: 'NAMESPACE/NAME',
  object: 'NAMESPACE/NAME',
  instead: 'ASCII_ADDRESS',
  why: 'REASON',
  what: 'REASON',
  problem: 'REASON',
  retrySeconds: 'SECONDS',
  enhanced: 'X.Y.Z',
};

export function replyTable(): string {
  const rows = Object.values(replies).map((make) => {
    const names =
      /\(([^)]*)\)/
        .exec(make.toString())?.[1]
        ?.split(',')
        .map((name) => name.trim()) ?? [];
    const reply = (make as (...words: string[]) => ReturnType<typeof make>)(
      ...names.map((name) => PLACEHOLDERS[name] ?? name.toUpperCase()),
    );
    const text = formatReply(reply).split('\r\n').map(code).join('<br>');
    return [code(reply.reason), text, remedies[reply.reason] ?? ''];
  });
  return table(['reason', 'reply', 'what to do'], rows);
}

export function reasonTable(): string {
  const rows = Object.entries(reasons).map(([reason, { progress, meaning }]) => [code(reason), progress, meaning]);
  return table(['reason', 'kstatus', 'meaning'], rows);
}

export function metricTables(): string {
  return [
    'Of the relay:',
    metricTable(createMetrics().registry),
    'Of single lists and users, where `metrics.usage` of their class asks for them:',
    metricTable(createUsageMetrics().registry),
    'Of a relay that [counts together](../users.md#counting-together) with others:',
    metricTable(createCounterMetrics().registry),
    'Only of a relay with several workers (its other metrics are totals over all workers):',
    metricTable(createParentMetrics().registry),
    'Of the operator:',
    metricTable(createOperatorMetrics().registry),
    'All of them also have the standard metrics of prom-client about the Node process (`process_*`, `nodejs_*`), including the lag of its event loop.',
  ].join('\n\n');
}

function metricTable(registry: Registry): string {
  const rows = registry
    .getMetricsAsArray()
    .filter((metric) => metric.name.startsWith('smtpplus_'))
    .map((metric) => [code(metric.name), String(metric.type), metric.help]);
  return table(['metric', 'type', 'meaning'], rows);
}

export function settingTables(): string {
  const { classes: _, ...top } = settingsSchema.shape;
  return [
    table(['setting', 'default', 'meaning'], settingRows('', z.object(top))),
    'Under `classes.NAME`:',
    table(['setting', 'default', 'meaning'], settingRows('', classSettingsSchema)),
  ].join('\n\n');
}

interface JsonSchema {
  readonly description?: string;
  readonly default?: unknown;
  readonly properties?: Record<string, JsonSchema>;
  readonly anyOf?: readonly JsonSchema[];
}

function settingRows(prefix: string, schema: z.ZodType): string[][] {
  return rowsOf(prefix, z.toJSONSchema(schema, { io: 'input' }) as JsonSchema);
}

function rowsOf(prefix: string, schema: JsonSchema): string[][] {
  const rows: string[][] = [];
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    const nested =
      property.anyOf?.find((one) => one.properties !== undefined && !('capture' in one.properties)) ?? property;
    rows.push([code(`${prefix}${name}`), defaultOf(property), property.description ?? '']);
    if (nested.properties !== undefined) rows.push(...rowsOf(`${prefix}${name}.`, nested));
  }
  return rows;
}

function defaultOf(property: JsonSchema): string {
  const value = property.default;
  if (value === undefined || (typeof value === 'object' && value !== null && Object.keys(value).length === 0))
    return '';
  return code(typeof value === 'string' ? value || "''" : JSON.stringify(value));
}

export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

export function code(text: string): string {
  return text === '' ? '' : `\`${text}\``;
}
