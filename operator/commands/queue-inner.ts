/** What `queue` runs inside a relay pod: a request in, its answer out, for a program to read. */
import { once } from 'node:events';
import { requestSchema } from '../../relay/admin/protocol.ts';
import { parseJson } from '../api/plain-data.ts';
import { contentChunks, openSockets } from './queue-socket.ts';
import { tell } from './run.ts';
import { CommandError, type ExitCode } from './source.ts';

export async function runInner(what: 'ask' | 'content', text: string, state: string): Promise<ExitCode> {
  return tell({ output: 'json' }, async () => {
    const request = requestSchema.safeParse(parseJson(text));
    if (!request.success) throw new CommandError('the relay is of another version than this command; use the same');
    if (what === 'ask') return { code: 0, json: await openSockets(state).ask(request.data) };
    for await (const chunk of contentChunks(state, request.data)) {
      if (!process.stdout.write(`${chunk}\n`)) await once(process.stdout, 'drain');
    }
    return { code: 0, json: undefined };
  });
}
