/**
 * Takes responsibility for a message: puts it into the spool, or hands it straight to the upstream where its list asks
 * for that.
 */
import type { RelayConfig } from './config/config.ts';
import type { Delivery } from './delivery/deliver.ts';
import type { Content, SubmittedMessage } from './message.ts';
import { replies, type Reply } from './replies.ts';
import type { Spool } from './spool/spool.ts';

interface Parts {
  readonly config: () => RelayConfig | undefined;
  readonly spool: Pick<Spool, 'put' | 'capture'>;
  readonly delivery: Pick<Delivery, 'passThrough'>;
}

export async function accept(
  { config, spool, delivery }: Parts,
  { captured, ...message }: SubmittedMessage,
  content: Content,
): Promise<Reply> {
  const { id, list, envelope } = message;
  // first: a copy too many, where the message itself is refused and comes again, reaches nobody
  if (captured !== undefined) {
    await spool.capture({ ...message, from: envelope.from, recipients: captured }, content);
  }
  if (envelope.recipients.length === 0) return replies.captured(id);
  const mode = config()?.lists.get(list)?.delivery.mode;
  if (mode === 'Passthrough') return delivery.passThrough(message, content);
  await spool.put(message, content);
  return replies.accepted(id);
}
