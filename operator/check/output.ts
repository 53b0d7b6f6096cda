/** What a report contains, and the forms that it comes in. */
import type { Finding } from './finding.ts';

export const OUTPUT_FORMATS = ['text', 'json', 'github', 'sarif'] as const;
export type OutputFormat = (typeof OUTPUT_FORMATS)[number];

export interface CheckReport {
  /** As they were named. */
  readonly paths: readonly string[];
  /** Sorted by place. */
  readonly findings: readonly Finding[];
  /** Findings past the bound, which are counted only. */
  readonly unreported: number;
  /** Objects of our kinds. */
  readonly objects: number;
  /** Kinds that were not checked, with their numbers. */
  readonly ignored: ReadonlyMap<string, number>;
}
