/** Programs that a test wants and a machine may lack. */
import { execFile, execFileSync } from 'node:child_process';
import type { TestContext } from 'node:test';
import { promisify } from 'node:util';

export const run = promisify(execFile);

/** Whether the test can go on. Where the program is missing it is skipped, loudly; where `CI` is set it fails. */
export function needsCommand(t: TestContext, command: string): boolean {
  try {
    execFileSync('sh', ['-c', `command -v ${command}`], { stdio: 'ignore' });
    return true;
  } catch {
    const message = `${command} is not installed: this test did not run`;
    if (process.env['CI']) throw new Error(message);
    process.stderr.write(`SKIPPED: ${message}\n`);
    t.skip(message);
    return false;
  }
}
