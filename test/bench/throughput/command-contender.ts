import path from 'node:path';
import { startGroup } from '../process-group.ts';
import { ACCOUNT, type Contender } from './contender.ts';

/**
 * Any other server, by the command that runs it in the foreground. It listens on 127.0.0.1:$PORT, hands everything to
 * 127.0.0.1:$UPSTREAM, and lets ACCOUNT in.
 */
export function commandContender(name: string, command: string): Contender {
  return {
    name,
    delivers: true,
    start: async ({ folder, port, smartHost }) => {
      const env = { PORT: String(port), UPSTREAM: String(smartHost), ACCOUNTS: '1' };
      const group = startGroup({ command: 'sh', args: ['-c', command], env, logFile: path.join(folder, 'log') });
      return { group, login: ACCOUNT };
    },
  };
}
