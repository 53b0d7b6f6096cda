/** Settings of `verification`: how a VerifiedSender comes to be verified. */
import { isIP } from 'node:net';
import { z } from 'zod';
import { duration, durationSeconds } from '../api/duration.ts';
import { address } from '../api/names.ts';
import type { MailVerification } from '../core/mail-evidence.ts';
import type { DnsVerification } from '../core/senders/dns-verification.ts';

const RESOLVERS_MAX = 8;

const resolver = z.string().refine(isResolver, {
  message: 'must be an IP address, with a port where it is not 53: `9.9.9.9`, `[2620:fe::fe]:53`',
});

/** What `dns.Resolver.setServers` takes. */
function isResolver(text: string): boolean {
  const [, bracketed, plain, port = '53'] = /^(?:\[([^\]]+)\]|([^:[\]]+))(?::([0-9]{1,5}))?$/.exec(text) ?? [];
  if (bracketed === undefined && plain === undefined) return isIP(text) === 6;
  const isAddress = bracketed === undefined ? isIP(plain ?? '') === 4 : isIP(bracketed) === 6;
  return isAddress && Number(port) >= 1 && Number(port) <= 65535;
}

const server = z.string().refine((text) => serverOf(text) !== undefined, {
  message: 'must be HOST:PORT, such as smtp-plus-relay.smtp-plus.svc:587',
});

/** A host name or an IPv4 address, and a port. */
function serverOf(text: string): { readonly host: string; readonly port: number } | undefined {
  const [, host, digits] =
    /^([A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?):([0-9]{1,5})$/.exec(text)?.filter((_, index) => index !== 2) ??
    [];
  const port = Number(digits);
  return host !== undefined && port >= 1 && port <= 65535 ? { host, port } : undefined;
}

export const verificationSettingsSchema = z
  .strictObject({
    dns: z
      .enum(['Enabled', 'Disabled'])
      .default('Enabled')
      .describe('Disabled: no look-ups; domains can be verified only by existingSenders'),
    dnsServers: z
      .array(resolver)
      .max(RESOLVERS_MAX)
      .default([])
      .describe('Name servers that are asked for the records; default: those of the system'),
    dnsQuorum: z
      .number()
      .int()
      .min(1)
      .max(RESOLVERS_MAX)
      .optional()
      .describe('How many of dnsServers have to agree; default: more than half of them'),
    dnsEndpoints: z
      .enum(['None', 'DKIM', 'All'])
      .default('DKIM')
      .describe(
        'On a cluster: which records DNSEndpoints (`spec.dns.publish` of a VerifiedSender) may have. DKIM: those of the keys of verified domains. All: the proof of domains too, so that whoever can create a VerifiedSender can verify every domain that external-dns manages. None: there are no DNSEndpoints, and the operator needs no right to them',
      ),
    spfInclude: z
      .string()
      .max(253)
      .regex(/^([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, {
        message: 'must be a domain name in lower case, such as _spf.upstream.example',
      })
      .optional()
      .describe(
        'A domain whose SPF record allows the servers that send the mail out, such as the one that your smart host tells you to include; absent: SPF of verified domains is not checked. With several upstreams, a domain of your own that includes them all',
      ),
    from: address
      .optional()
      .describe(
        'Sender of the mails that prove addresses; `existingSenders` of a class must cover it. Absent: no such mails are sent, and an address is verified only with its domain or by existingSenders',
      ),
    pageURL: z
      .url({ protocol: /^https?$/, error: 'must be an http or https URL, such as https://smtp-plus.example/verify' })
      .max(200)
      .refine((text) => URL.canParse(text) && new URL(text).search + new URL(text).hash === '', {
        message: 'must have no ? and no #; the token of the link is put behind it',
      })
      .optional()
      .describe(
        'Public URL of the page `/verify` of the operator, for the link in those mails. Absent on a cluster: the mails have only a code. Absent in one process: the URL of its own HTTP port',
      ),
    relayClass: z
      .string()
      .optional()
      .describe(
        'The relay class whose relays and upstream send those mails; default: the setting `relayClass` at the top',
      ),
    relayServer: server
      .optional()
      .describe(
        'On a cluster: HOST:PORT of the relays that the operator sends those mails to; default: hostname and first port of the class',
      ),
    mailsPerNamespace: z
      .number()
      .int()
      .min(1)
      .max(100_000)
      .default(50)
      .describe('How many of those mails one namespace may cause within 24 h. To a single address, the limit is 3'),
    mailsInTotal: z
      .number()
      .int()
      .min(1)
      .max(100_000)
      .default(1000)
      .describe('How many of those mails all namespaces may cause within 24 h'),
    grace: duration
      .default('72h')
      .describe(
        'How long a sender stays verified after its record is gone, or after it is taken out of existingSenders',
      ),
  })
  .check(({ value: { dnsServers, dnsQuorum }, issues }) => {
    if (dnsQuorum === undefined) return;
    const least = majorityOf(dnsServers);
    if (dnsQuorum >= least && dnsQuorum <= dnsServers.length) return;
    const message =
      dnsServers.length === 0
        ? 'counts dnsServers, and there are none; add them, or remove it'
        : `must be ${least} to ${dnsServers.length}: more than half of dnsServers, and no more than there are`;
    issues.push({ code: 'custom', input: dnsQuorum, path: ['dnsQuorum'], message });
  });

type VerificationSettings = z.infer<typeof verificationSettingsSchema>;

/** What the core is to know of it. */
export function dnsVerificationOf({ dns, grace, spfInclude, dnsEndpoints }: VerificationSettings): DnsVerification {
  return {
    graceSeconds: durationSeconds(grace),
    ...(dns === 'Disabled' && { isDisabled: true }),
    endpoints: dnsEndpoints,
    ...(spfInclude !== undefined && { spfInclude }),
  };
}

/** What the core is to know of proofs by mail; undefined where there are none. */
export function mailVerificationOf(
  { verification, relayClass }: { readonly verification: VerificationSettings; readonly relayClass: string },
  { hasPage = verification.pageURL !== undefined }: { readonly hasPage?: boolean } = {},
): MailVerification | undefined {
  const { from } = verification;
  return from === undefined ? undefined : { className: verification.relayClass ?? relayClass, from, hasPage };
}

/** How many mails there may be within 24 h. */
export function mailLimitsOf({ mailsPerNamespace, mailsInTotal }: VerificationSettings) {
  return { perNamespace: mailsPerNamespace, inTotal: mailsInTotal };
}

/** Where the operator hands mails in, where the settings say so. */
export function relayServerOf({ relayServer }: VerificationSettings) {
  return relayServer === undefined ? undefined : serverOf(relayServer);
}

/** Whom to ask, and how many have to agree. */
export function resolversOf({ dnsServers, dnsQuorum = majorityOf(dnsServers) }: VerificationSettings) {
  return { servers: dnsServers, quorum: dnsQuorum };
}

/** With less, some could say that it is there and as many that it is not. */
function majorityOf(servers: readonly string[]): number {
  return Math.floor(servers.length / 2) + 1;
}
