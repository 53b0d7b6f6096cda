/** Which passwords of whom the relays accept, according to the documents of an earlier run. */
import { z } from 'zod';
import { parseJson } from '../api/plain-data.ts';
import type { AcceptedPasswords } from '../core/model.ts';

const user = z.object({
  object: z.string(),
  credentials: z.array(z.object({ verifier: z.string(), notAfter: z.string().optional() })),
});
const shard = z.object({ users: z.record(z.string(), user), unusable: z.record(z.string(), user).default({}) });

/** Adds what one `shard-NNN.json` says, by key of the user; what cannot be read says nothing. */
export function collectAccepted(text: string, accepted: Map<string, AcceptedPasswords>): void {
  const { data } = shard.safeParse(parseJson(text));
  if (data === undefined) return;
  for (const { object, credentials } of [...Object.values(data.unusable), ...Object.values(data.users)]) {
    accepted.set(object, { credentials });
  }
}
