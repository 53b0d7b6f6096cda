/** Proofs by mail in one process: its own relay sends the mails, its own HTTP port has the page. */
import { join } from 'node:path';
import type { PagesForPeople } from '../../relay/observe/http.ts';
import type { Log } from '../../relay/observe/log.ts';
import { urlHost } from '../api/names.ts';
import type { MailEvidence, MailVerification } from '../core/mail-evidence.ts';
import type { Plan } from '../core/model.ts';
import type { Installation } from '../installation.ts';
import { createVerifyPage, VERIFY_PATH, type Links } from '../page/verify-page.ts';
import type { Settings } from '../settings/settings.ts';
import { mailLimitsOf, mailVerificationOf } from '../settings/verification.ts';
import type { RelayServer } from '../verify/hand-in.ts';
import { mailEvidenceSchema } from '../verify/mail-evidence.ts';
import { linksOf, viewLink } from '../verify/mail-links.ts';
import { createMailProofs, type MailProofs } from '../verify/mail-proofs.ts';
import { sendChallenge } from '../verify/send-challenge.ts';
import { openEvidence, type EvidenceFolder } from './evidence.ts';

export interface FolderMailProofs {
  /** Undefined: addresses are not verified by mail. */
  readonly verification: MailVerification | undefined;
  readonly evidence: Pick<EvidenceFolder<MailEvidence>, 'all'>;
  readonly page: PagesForPeople;
  /** What the latest plan says of senders. */
  readonly follow: (plan: Plan) => void;
  readonly close: () => void;
}

/** The relay in the same process. */
export interface RelayHere {
  /** With STARTTLS; undefined: there is none. */
  readonly port: number | undefined;
  readonly implicitTlsPort: number | undefined;
  readonly httpPort: number;
  /** PEM of the CA that has signed its certificate. */
  readonly ca: () => string;
}

export interface FolderMailProofsOptions {
  readonly state: string;
  readonly settings: Settings;
  readonly installation: Installation;
  readonly relay: RelayHere;
  readonly onEvidence: () => void;
  readonly log: Log;
}

export async function openMailProofs(options: FolderMailProofsOptions): Promise<FolderMailProofs> {
  const { state, settings, installation, onEvidence, log } = options;
  const { evidence, problems } = await openEvidence(join(state, 'mail-proofs'), mailEvidenceSchema);
  for (const problem of problems) log.warn({ event: 'state' }, problem);
  // the relay of this process serves one class, whatever other processes do
  const { relayClass } = settings;
  const own = { ...settings, verification: { ...settings.verification, relayClass } };
  const verification = mailVerificationOf(own, { hasPage: true });
  const ending = new AbortController();
  const proofs = createMailProofs({
    store: () => evidence,
    linkHash: installation.linkHash,
    codeHash: installation.issuer.codeHash,
    limits: mailLimitsOf(settings.verification),
    send: (challenge) =>
      sendChallenge(
        challenge,
        {
          from: verification?.from ?? '',
          hostname: hostnameOf(settings),
          pageURL: settings.verification.pageURL ?? pageHere(settings, options.relay),
          server: serverHere(settings, options),
        },
        ending.signal,
      ),
    onEvidence,
    onStep: () => undefined,
    onTrouble: (message) => log.warn({ event: 'verification' }, message),
  });
  const page = createVerifyPage({
    linkHash: installation.linkHash,
    links: linksIn(evidence, proofs),
    onAnswer: () => undefined,
  });
  return {
    verification,
    evidence,
    page: verification === undefined ? () => Promise.resolve(undefined) : page,
    follow: verification === undefined ? () => undefined : follower(proofs),
    close: () => {
      ending.abort(new Error('shutting down'));
      proofs.close();
    },
  };
}

function follower(proofs: MailProofs): (plan: Plan) => void {
  let known: ReadonlySet<string> = new Set();
  return ({ mails }) => {
    const wishes = new Map(mails.map((wish) => [wish.sender, wish]));
    for (const sender of known) if (!wishes.has(sender)) proofs.set(sender, undefined);
    for (const [sender, wish] of wishes) proofs.set(sender, wish);
    known = new Set(wishes.keys());
  };
}

function linksIn(evidence: EvidenceFolder<MailEvidence>, proofs: MailProofs): Links {
  let [entries, links] = [evidence.all(), linksOf(evidence.all())];
  const linkOf = (hash: string) => {
    if (entries !== evidence.all()) [entries, links] = [evidence.all(), linksOf(evidence.all())];
    return links.get(hash);
  };
  return {
    find: (hash) => {
      const link = linkOf(hash);
      return link && viewLink(link, new Date());
    },
    confirm: async (hash) => {
      const link = linkOf(hash);
      if (link === undefined) return 'Unusable';
      await proofs.confirm(link.key, hash);
      const after = linkOf(hash);
      return after !== undefined && viewLink(after, new Date())?.state === 'Used' ? 'Confirmed' : 'Unusable';
    },
  };
}

function hostnameOf({ classes, relayClass }: Settings): string {
  return classes[relayClass]?.hostname ?? 'localhost';
}

function isWildcard(host: string): boolean {
  return host === '0.0.0.0' || host === '::';
}

function pageHere(settings: Settings, { httpPort }: RelayHere): string {
  const host = isWildcard(settings.host) ? hostnameOf(settings) : settings.host;
  return `http://${urlHost(host)}:${httpPort}${VERIFY_PATH}`;
}

function serverHere({ host, relayClass }: Settings, { relay, installation }: FolderMailProofsOptions): RelayServer {
  const { port, implicitTlsPort = 0, ca } = relay;
  return {
    host: isWildcard(host) ? 'localhost' : host,
    port: port ?? implicitTlsPort,
    tls: port === undefined ? 'Implicit' : 'StartTLS',
    serverName: 'localhost',
    ca: ca(),
    password: installation.operatorPassword(relayClass),
  };
}
