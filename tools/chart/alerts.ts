/** The alerts of the chart, as Prometheus reads them. */
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { z } from 'zod';

export const ALERTS_FILE = new URL('../../charts/smtp-plus/files/alerts.yaml', import.meta.url);

const alertSchema = z.strictObject({
  alert: z.string().regex(/^SmtpPlus[A-Z][A-Za-z]+$/),
  expr: z.string(),
  for: z.string().optional(),
  labels: z.strictObject({ severity: z.enum(['critical', 'warning']) }),
  annotations: z.strictObject({ summary: z.string() }),
});
const groupSchema = z.strictObject({ name: z.string(), rules: z.array(alertSchema) });
const fileSchema = z.strictObject({ groups: z.array(groupSchema) });

export type Alert = z.infer<typeof alertSchema>;

export function readAlerts(): readonly Alert[] {
  return fileSchema.parse(parse(readFileSync(ALERTS_FILE, 'utf8'))).groups.flatMap(({ rules }) => rules);
}
