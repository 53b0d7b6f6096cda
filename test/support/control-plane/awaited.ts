/**
 * How test files wait for the control plane's binaries while test/run.ts brings them: as long as a file is there whose name
 * they get in their environment.
 */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const VARIABLE = 'SMTP_PLUS_CONTROL_PLANE_PENDING';
const LOOK_MS = 200;

/** Test files wait from now on, until the function that it returns is called. */
export function holdTests(): () => void {
  const folder = mkdtempSync(path.join(tmpdir(), 'smtp-plus-pending-'));
  const file = path.join(folder, 'pending');
  writeFileSync(file, '');
  process.env[VARIABLE] = file;
  return () => rmSync(folder, { recursive: true, force: true });
}

/** Nothing to wait for where a file of tests is run by itself, or where the run has ended. */
export async function whenPrepared(): Promise<void> {
  const file = process.env[VARIABLE];
  if (file === undefined) return;
  const parent = process.ppid;
  while (existsSync(file) && process.ppid === parent) await sleep(LOOK_MS);
}
