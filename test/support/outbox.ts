/** What the capture upstream has written. */
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { until } from './eventually.ts';

export interface Captured {
  readonly id: string;
  /** As delivered, octet for octet. */
  readonly content: Buffer;
  readonly envelope: { readonly from: string; readonly recipients: readonly unknown[]; readonly user: string };
}

/** Who the mails come from that ask whether an address is really its namespace's. */
const VERIFICATION_USER = 'smtpplus.io/verification';

/** Messages of users in the outbox of a state folder, oldest first. */
export async function sentByUsers(state: string): Promise<Captured[]> {
  return (await outbox(state)).filter(({ envelope }) => envelope.user !== VERIFICATION_USER);
}

/** All messages in the outbox of a state folder, oldest first. */
export async function outbox(state: string): Promise<Captured[]> {
  const folder = path.join(state, 'outbox');
  // the envelope is written last: where it is, the message is whole
  const names = (await readdir(folder).catch(() => [])).filter((name) => name.endsWith('.json')).toSorted();
  return Promise.all(
    names.map(async (name) => {
      const id = path.basename(name, '.json');
      const envelope = JSON.parse(await readFile(path.join(folder, name), 'utf8')) as Captured['envelope'];
      return { id, envelope, content: await readFile(path.join(folder, `${id}.eml`)) };
    }),
  );
}

/** Waits until the outbox holds this many messages of users. */
export async function delivered(state: string, count: number): Promise<Captured[]> {
  return until(async () => {
    const messages = await sentByUsers(state);
    return messages.length >= count ? messages : undefined;
  });
}
