/** What conditions and the log say about DNSEndpoints. */
import type { ObjectName } from '../api/names.ts';
import { CHECK_NOW_ANNOTATION } from '../core/names.ts';
import type { PublicationFact } from '../core/senders/publication-model.ts';
import { LEFT_MINUTES, ROUNDS } from './write/contested.ts';

interface Refusal {
  readonly status: number;
  readonly message: string;
}

/** As much of a refusal as a message for people has room for. */
const REFUSAL_MAX = 500;
const BY_HAND = 'publish the records in status.dnsRecords by hand';

export function published({ name }: ObjectName, isRead: boolean): PublicationFact {
  const seen = isRead
    ? 'external-dns has read it; status.dnsRecords says what is in the DNS.'
    : 'external-dns has not said yet that it has read it: it has to run with --source=crd and --managed-record-types=TXT.';
  return { reason: 'Published', message: `DNSEndpoint ${name} has the records. ${seen}` };
}

/** None can be had at all: the cluster has no such kind, or the operator may not list it. */
export function outOfReach(refusal: Refusal): PublicationFact {
  if (refusal.status === 403) return { reason: 'EndpointNotWritten', message: missingRights(refusal) };
  const message = `The cluster has no DNSEndpoints (externaldns.k8s.io/v1alpha1). Install external-dns with its CRD, which is noticed within half a minute, or ${BY_HAND} and set spec.dns.publish: None.`;
  return { reason: 'CrdMissing', message };
}

export function missingRights({ message }: Refusal): string {
  return `The operator has no right to DNSEndpoints. The platform owner has to give it those that are in deploy/rbac.yaml: ${message.slice(0, REFUSAL_MAX)}`;
}

export function notOwned({ name }: ObjectName): PublicationFact {
  const message = `DNSEndpoint ${name} belongs to somebody else, and stays as it is. Delete it, or ${BY_HAND}. It is looked at again within ten minutes, and at once when ${CHECK_NOW_ANNOTATION} is set.`;
  return { reason: 'EndpointNotOwned', message };
}

export function notWritten({ name }: ObjectName, { status, message }: Refusal): PublicationFact {
  const why = `${status} ${message.slice(0, REFUSAL_MAX)}`;
  return {
    reason: 'EndpointNotWritten',
    message: `DNSEndpoint ${name} is refused, and tried again within ten minutes: ${why}`,
  };
}

export function leftAlone(name: string): PublicationFact {
  const command = `kubectl get dnsendpoint ${name} -o yaml --show-managed-fields`;
  return {
    reason: 'EndpointNotWritten',
    message: `Somebody else changed or deleted DNSEndpoint ${name} each of the ${ROUNDS} times that the operator wrote it, so it is left alone for ${LEFT_MINUTES} minutes. Find out who does that (${command}), and make it stop.`,
  };
}
