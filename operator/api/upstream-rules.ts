/** Rules between the fields of `spec.upstream`. */
import { isIPv6 } from './ip.ts';
import type { ListSpec } from './list.ts';
import { rule, type Rule } from './rule.ts';

type Upstream = NonNullable<ListSpec['upstream']>;

/** Without a verified certificate, whoever answers gets the password. */
const VERIFIED_TLS: ReadonlySet<string> = new Set(['StartTLS', 'Implicit']);

const BY_TOKEN: ReadonlySet<string> = new Set(['XOAUTH2', 'OAUTHBEARER']);

export const upstreamRules: readonly Rule[] = [
  hostRule('spec.upstream.host', 'put the port into spec.upstream.port, and a final dot behind names only'),
  hostRule('spec.upstream.serverName', 'remove the port, which no certificate has'),
  rule(
    'spec.upstream',
    {
      field: 'tls',
      cel: "(!has(self.credentialsSecretRef) && !has(self.oauth2)) || self.tls in ['StartTLS', 'Implicit']",
      message:
        'spec.upstream.tls must be StartTLS or Implicit if credentialsSecretRef or oauth2 is set, or the password could be read on the way',
    },
    (self: Upstream) =>
      (self.credentialsSecretRef === undefined && self.oauth2 === undefined) || VERIFIED_TLS.has(self.tls),
  ),
  rule(
    'spec.upstream',
    {
      field: 'tls',
      cel: "(!has(self.caSecretRef) && !has(self.serverName)) || self.tls in ['StartTLS', 'Implicit']",
      message:
        'spec.upstream.tls must be StartTLS or Implicit if caSecretRef or serverName is set; the other modes verify no certificate',
    },
    (self: Upstream) => (self.caSecretRef === undefined && self.serverName === undefined) || VERIFIED_TLS.has(self.tls),
  ),
  rule(
    'spec.upstream',
    {
      field: 'oauth2',
      cel: '!has(self.oauth2) || !has(self.credentialsSecretRef)',
      message: 'spec.upstream.oauth2 and spec.upstream.credentialsSecretRef are two ways to log in; remove one of them',
    },
    (self: Upstream) => self.oauth2 === undefined || self.credentialsSecretRef === undefined,
  ),
  rule(
    'spec.upstream',
    {
      field: 'auth',
      cel: "!has(self.auth) || (self.auth in ['XOAUTH2', 'OAUTHBEARER'] ? has(self.oauth2) : has(self.credentialsSecretRef))",
      message:
        'spec.upstream.auth needs a log-in: oauth2 for XOAUTH2 and OAUTHBEARER, credentialsSecretRef for the others; add it, or remove auth',
    },
    ({ auth, oauth2, credentialsSecretRef }: Upstream) =>
      auth === undefined || (BY_TOKEN.has(auth) ? oauth2 : credentialsSecretRef) !== undefined,
  ),
];

/** `smtp.example:587` has the letters of an IPv6 address, and is none; `192.0.2.1.` would be asked for as a name. */
function hostRule(path: string, mend: string): Rule {
  return rule(
    path,
    {
      // since Kubernetes 1.31
      cel: "!(self.contains(':') || self.matches('^[0-9.]+[.]$')) || isIP(self)",
      message: `${path} must be a host name or an IP address, without a port; ${mend}`,
    },
    (self: string) => !(self.includes(':') || /^[0-9.]+[.]$/.test(self)) || isIPv6(self),
  );
}
