import path from 'node:path';
import { mkdir } from 'node:fs/promises';
import { startGroup } from '../process-group.ts';
import { ACCOUNT, type Contender } from './contender.ts';

/** A bare smtp-server, which is all that can be had in Node without checks, log and delivery. */
export const floor: Contender = {
  name: 'floor',
  delivers: false,
  start: async ({ folder, port }) => {
    await mkdir(folder, { recursive: true });
    const program = path.join(import.meta.dirname, 'floor.ts');
    const group = startGroup({
      command: process.execPath,
      args: [program, folder, String(port), ACCOUNT.password],
      logFile: path.join(folder, 'log'),
    });
    return { group, login: ACCOUNT };
  },
};
