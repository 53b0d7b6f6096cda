/** Settings of `verification`: how a VerifiedSender comes to be verified. */
import { isIP } from 'node:net';
import { z } from 'zod';
import { duration, durationSeconds } from './api/duration.ts';
import type { DnsVerification } from './core/model.ts';

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

export const verificationSettingsSchema = z
  .strictObject({
    dns: z
      .enum(['Enabled', 'Disabled'])
      .default('Enabled')
      .describe('Disabled: no look-ups; domains are verified by existingSenders alone'),
    dnsServers: z
      .array(resolver)
      .max(RESOLVERS_MAX)
      .default([])
      .describe('Resolvers that are asked for the records; default: those of the system'),
    dnsQuorum: z
      .number()
      .int()
      .min(1)
      .max(RESOLVERS_MAX)
      .optional()
      .describe('How many of dnsServers have to agree; default: more than half of them'),
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
export function dnsVerificationOf({ dns, grace }: VerificationSettings): DnsVerification {
  return { graceSeconds: durationSeconds(grace), ...(dns === 'Disabled' && { isDisabled: true }) };
}

/** Whom to ask, and how many have to agree. */
export function resolversOf({ dnsServers, dnsQuorum = majorityOf(dnsServers) }: VerificationSettings) {
  return { servers: dnsServers, quorum: dnsQuorum };
}

/** With less, some could say that it is there and as many that it is not. */
function majorityOf(servers: readonly string[]): number {
  return Math.floor(servers.length / 2) + 1;
}
