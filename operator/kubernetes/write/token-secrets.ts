/**
 * Secrets in the operator's own namespace from which Prometheus gets the tokens for the pages of relays and operator
 * (page-tokens.ts).
 */
import type { KubeClient } from '../client/client.ts';
import { createWorkQueue, type WorkQueueOptions } from '../client/queue.ts';
import type { TokenSecret } from '../page-tokens.ts';
import { startOwnSecrets } from './own-secrets.ts';

/** Its value is the class; of the operator's own, `Operator`, as no class can be called. */
const TOKEN_LABEL = 'smtpplus.io/metrics-token';
const OPERATOR = 'Operator';
const KEY_PREFIX = 'metrics-token/';

export interface TokenSecrets {
  readonly synced: Promise<void>;
  /** Writes them, and from now on whenever one of them is not as it should be. To be called once, by the leader. */
  readonly keep: () => void;
  readonly close: () => Promise<void>;
}

export interface TokenSecretsOptions {
  readonly namespace: string;
  readonly secrets: readonly TokenSecret[];
  readonly onDone: NonNullable<WorkQueueOptions['onDone']>;
  readonly onTrouble: (message: string) => void;
  readonly signal: AbortSignal;
}

export function startTokenSecrets(
  client: KubeClient,
  { secrets, onDone, ...options }: TokenSecretsOptions,
): TokenSecrets {
  const queue = createWorkQueue({ workers: 1, work, onDone });
  let keeps = false;
  const own = startOwnSecrets(client, { ...options, label: TOKEN_LABEL, onChange: writeAll });

  function writeAll(): void {
    if (keeps) for (const { name } of secrets) queue.add(`${KEY_PREFIX}${name}`);
  }

  async function work(key: string): Promise<void> {
    const secret = secrets.find(({ name }) => `${KEY_PREFIX}${name}` === key);
    if (secret === undefined) return;
    const { name, className = OPERATOR, token } = secret;
    await own.write({ name, labelled: className, type: 'Opaque', data: { token } });
  }

  return {
    synced: own.synced,
    keep: () => {
      keeps = true;
      writeAll();
    },
    close: queue.close,
  };
}
