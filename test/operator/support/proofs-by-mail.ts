/** Proofs by mail on a cluster: settings that send them through a real relay, and the mails that came of it. */
import assert from 'node:assert/strict';
import { readChallenge, type ReadChallenge } from '../../support/challenge-mail.ts';
import { eventually } from '../../support/eventually.ts';
import { outbox } from '../../support/outbox.ts';
import type { RelayOfCluster } from './relay-of-cluster.ts';

export const PAGE_URL = 'https://smtp-plus.platform.example/verify';

/** @param secretName has the certificate of the relay */
export function mailSettings({ port }: RelayOfCluster, secretName: string) {
  return {
    verification: {
      dns: 'Disabled',
      from: 'verification@platform.example',
      pageURL: PAGE_URL,
      relayServer: `localhost:${port}`,
    },
    classes: {
      default: {
        hostname: 'localhost',
        tls: { secretName },
        existingSenders: [{ platform: 'platform.example' }],
      },
    },
  };
}

/** The newest mail to an address, once there are so many. */
export function mailTo({ state }: RelayOfCluster, address: string, count = 1): Promise<ReadChallenge> {
  return eventually(async () => {
    const mails = (await outbox(state)).filter(({ content }) => content.includes(`\nTo: ${address}\r`));
    assert.ok(mails.length >= count, `${mails.length} mails to ${address}`);
    return readChallenge(mails.at(-1)?.content ?? '');
  });
}
