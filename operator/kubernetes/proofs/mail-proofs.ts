/** Proofs by mail on a cluster: the leader sends the mails through the relays of a class; every replica serves the page. */
import type { PagesForPeople } from '../../../relay/observe/http.ts';
import type { MailEvidence, MailVerification } from '../../core/mail-evidence.ts';
import type { ClassView } from '../../core/model.ts';
import type { SenderPlan } from '../../core/senders/sender-plan.ts';
import { messageOf } from '../../errors.ts';
import type { Installation } from '../../installation.ts';
import { createVerifyPage, type PageResult } from '../../page/verify-page.ts';
import type { Settings } from '../../settings/settings.ts';
import { mailLimitsOf, mailVerificationOf, relayServerOf } from '../../settings/verification.ts';
import type { RelayServer } from '../../verify/hand-in.ts';
import type { MailLimits } from '../../verify/mail-limits.ts';
import { createMailProofs, type MailProofs, type MailStep } from '../../verify/mail-proofs.ts';
import { sendChallenge } from '../../verify/send-challenge.ts';
import type { KubeClient } from '../client/client.ts';
import { startMailLinks, type MailLinks } from './mail-links.ts';
import { oldestByAddress } from '../../core/senders/wished-address.ts';
import { afterUnwatched } from '../../verify/unwatched.ts';
import type { Caches } from '../cache/caches.ts';
import { openEvidenceSecrets, type EvidenceSecrets } from '../write/evidence.ts';
import { MAIL_EVIDENCE } from '../write/evidence-kinds.ts';

export interface MailOptions {
  readonly verification: MailVerification;
  readonly limits: MailLimits;
  readonly pageURL: string | undefined;
  /** Default: hostname and first port of the class. */
  readonly server: { readonly host: string; readonly port: number } | undefined;
}

export interface MailProofsOnCluster {
  readonly synced: Promise<void>;
  /** Reads what is known. To be called once, by the leader, before anything is planned; see `Controller.lead`. */
  readonly load: (unwatchedSince: Date | undefined) => Promise<void>;
  readonly mailOf: (key: string) => MailEvidence | undefined;
  /** What the latest plan says of senders; undefined: gone. */
  readonly follow: (senders: ReadonlyMap<string, SenderPlan | undefined>) => void;
  readonly page: PagesForPeople;
  readonly isIdle: () => boolean;
  readonly close: () => Promise<void>;
}

export interface MailProofsOnClusterOptions {
  /** The operator's own namespace. */
  readonly namespace: string;
  /** Undefined: no address is verified by mail. */
  readonly mail: MailOptions | undefined;
  /** For what replicas write that do not lead. */
  readonly unledClient: KubeClient;
  readonly installation: Installation;
  readonly classOf: (name: string) => ClassView | undefined;
  /** All VerifiedSenders. */
  readonly senders: () => Pick<Caches['objects']['VerifiedSender'], 'keys' | 'get'>;
  /** Something else is known of an address (`NAMESPACE/ADDRESS`). */
  readonly onEvidence: (key: string) => void;
  readonly onStep: (step: MailStep) => void;
  readonly onAnswer: (result: PageResult) => void;
  readonly onTrouble: (message: string) => void;
  readonly now: () => Date;
  readonly signal: AbortSignal;
}

const NO_MAILS: MailProofsOnCluster = {
  synced: Promise.resolve(),
  load: () => Promise.resolve(),
  mailOf: () => undefined,
  follow: () => undefined,
  page: () => Promise.resolve(undefined),
  isIdle: () => true,
  close: () => Promise.resolve(),
};

const RETRY_MS = 30_000;

export function mailOptionsOf(settings: Settings): MailOptions | undefined {
  const verification = mailVerificationOf(settings);
  if (verification === undefined) return undefined;
  const { pageURL } = settings.verification;
  const server = relayServerOf(settings.verification);
  return { verification, limits: mailLimitsOf(settings.verification), pageURL, server };
}

export function startMailProofs(client: KubeClient, options: MailProofsOnClusterOptions): MailProofsOnCluster {
  const { namespace, mail, unledClient, installation, onTrouble, now, signal } = options;
  if (mail === undefined) return NO_MAILS;
  let store: EvidenceSecrets<MailEvidence> | undefined;
  const proofs = createMailProofs({
    ...options,
    store: () => store,
    linkHash: installation.linkHash,
    codeHash: installation.issuer.codeHash,
    limits: mail.limits,
    send: async (challenge) => {
      const { from, className } = mail.verification;
      const view = options.classOf(className);
      const server = view && serverOf(view, mail, installation.operatorPassword(className));
      if (view === undefined || server === undefined) return `relay class ${className} tells no port`;
      const { hostname } = view.settings;
      return sendChallenge(challenge, { from, hostname, pageURL: mail.pageURL, server }, signal);
    },
  });
  const links = startMailLinks(unledClient, { namespace, onTrouble, now, signal, onChange: () => takeUp() });
  let retry: NodeJS.Timeout | undefined;
  let isClosed = false;
  function takeUp(): void {
    if (store === undefined || isClosed) return;
    takeNotes(links, { proofs, store }).catch((error: unknown) => {
      if (isClosed) return;
      onTrouble(`confirmations of addresses could not be kept, which is tried again: ${messageOf(error)}`);
      clearTimeout(retry);
      retry = setTimeout(takeUp, RETRY_MS);
    });
  }

  return {
    synced: links.synced,
    load: async (unwatchedSince) => {
      const opened = await openEvidenceSecrets(client, MAIL_EVIDENCE, options);
      if (unwatchedSince !== undefined) await takeUpUnwatched(opened, unwatchedSince, options.senders());
      store = opened;
      takeUp();
    },
    mailOf: (key) => store?.of(key),
    follow: (senders) => {
      for (const [sender, plan] of senders) proofs.set(sender, plan?.mail);
    },
    page: createVerifyPage({ linkHash: installation.linkHash, links, onAnswer: options.onAnswer }),
    isIdle: proofs.isIdle,
    close: async () => {
      isClosed = true;
      clearTimeout(retry);
      proofs.close();
      await store?.close();
    },
  };
}

async function takeUpUnwatched(
  store: EvidenceSecrets<MailEvidence>,
  since: Date,
  senders: ReturnType<MailProofsOnClusterOptions['senders']>,
): Promise<void> {
  const oldest = oldestByAddress([...senders.keys()].flatMap((key) => senders.get(key) ?? []));
  const changes = Array.from(store.all(), async ([key, evidence]) => {
    const after = afterUnwatched(evidence, { since, oldest: oldest.get(key) });
    if (after !== undefined) await store.keep(key, after);
  });
  await Promise.all(changes);
}

/** What was confirmed is in force by the very write that deletes the note. */
async function takeNotes(
  links: Pick<MailLinks, 'notes'>,
  { proofs, store }: { readonly proofs: MailProofs; readonly store: EvidenceSecrets<MailEvidence> },
): Promise<void> {
  const writes: Promise<void>[] = [];
  for (const { key, linkHash, secretName, name } of links.notes()) {
    if (key !== undefined) writes.push(proofs.confirm(key, linkHash));
    writes.push(store.take(secretName, [name]));
  }
  await Promise.all(writes);
}

function serverOf(view: ClassView, { server }: MailOptions, password: string): RelayServer | undefined {
  const { hostname } = view.settings;
  const [port, implicit] = [view.ports[0], view.implicitTlsPorts[0]];
  const own = port ?? implicit;
  const place = server ?? (own === undefined ? undefined : { host: hostname, port: own });
  if (place === undefined) return undefined;
  const tls = server === undefined && port === undefined ? 'Implicit' : 'StartTLS';
  return { ...place, tls, serverName: hostname, ca: view.caCertificate, password };
}
