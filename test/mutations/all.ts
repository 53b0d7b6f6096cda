/** Every mutation of `npm run mutations`: what this product must never lose, one after the other. */
import { certificatesMutations } from './certificates.ts';
import { countersMutations } from './counters.ts';
import { credentialsMutations } from './credentials.ts';
import { deliveryMutations } from './delivery.ts';
import { handoverMutations } from './handover.ts';
import { internationalMutations } from './international.ts';
import type { Mutation } from './mutation.ts';
import { scheduleMutations } from './schedule.ts';
import { sendersMutations } from './senders.ts';
import { sessionMutations } from './session.ts';
import { signingMutations } from './signing.ts';
import { spoolMutations } from './spool.ts';
import { tenantsMutations } from './tenants.ts';
import { workersMutations } from './workers.ts';

export const mutations: readonly Mutation[] = [
  ...certificatesMutations,
  ...credentialsMutations,
  ...spoolMutations,
  ...scheduleMutations,
  ...deliveryMutations,
  ...sessionMutations,
  ...sendersMutations,
  ...signingMutations,
  ...internationalMutations,
  ...tenantsMutations,
  ...workersMutations,
  ...countersMutations,
  ...handoverMutations,
];
