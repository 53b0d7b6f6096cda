/** Values of the Helm chart of docker-postfix (bokysan), or its environment variables as a mapping. */
import { parse } from 'yaml';
import { asRecord, isRecord } from '../../api/plain-data.ts';
import { CommandError } from '../source.ts';
import { relayHostOf, tlsOfLevel, type Imported, type ImportedUpstream, type ImportedUser } from './imported.ts';

type Values = Readonly<Record<string, string>>;

/** Has no meaning here, or is read below. */
const UNDERSTOOD = new Set([
  'ALLOWED_SENDER_DOMAINS',
  'ALLOW_EMPTY_SENDER_DOMAINS',
  'RELAYHOST',
  'SASL_RELAYHOST',
  'RELAYHOST_USERNAME',
  'RELAYHOST_PASSWORD',
  'RELAYHOST_TLS_LEVEL',
  'SMTPD_SASL_USERS',
  'TZ',
  'FORCE_COLOR',
  'LOG_FORMAT',
  'INBOUND_DEBUGGING',
  'POSTFIX_myhostname',
  'POSTFIX_hostname',
  'POSTFIX_message_size_limit',
  'POSTFIX_smtp_tls_security_level',
  'POSTFIX_mynetworks',
]);

const LOST: Readonly<Record<string, string>> = {
  MASQUERADED_DOMAINS: 'addresses are not rewritten: let applications send as the domain itself',
  SMTP_HEADER_CHECKS: 'there are no header checks of your own',
  DKIM_SELECTOR:
    'keys are made anew: set spec.dkim.signing of the senders, and publish the records that their status shows',
  DKIM_AUTOGENERATE: 'set spec.dkim.signing of the senders, and publish the records that their status shows',
  ALWAYS_ADD_MISSING_HEADERS: 'a missing Date or Message-ID is added by `senderPolicy` of the list',
};

export function importDockerPostfix(text: string, file: string): Imported {
  const values = read(text, file);
  const warnings: string[] = [];
  const upstream = upstreamOf(values, warnings);
  const domains = wordsOf(values['ALLOWED_SENDER_DOMAINS']).map((domain) => `@${domain.toLowerCase()}`);
  if (domains.length === 0) {
    warnings.push(
      'ALLOWED_SENDER_DOMAINS is empty, and here nobody sends as a domain that is not verified: write a VerifiedSender for each',
    );
  }
  const size = Number(values['POSTFIX_message_size_limit']);
  return {
    upstreams: upstream === undefined ? [] : [upstream],
    users: usersOf(values, warnings),
    senders: domains,
    messageBytes: size > 0 ? size : undefined,
    warnings: [...warnings, ...lostOf(values)],
  };
}

/** `config.general`, `config.postfix` with the prefix that its variables have, and `secret`. */
function read(text: string, file: string): Values {
  let root: unknown;
  try {
    root = parse(text);
  } catch {
    throw new CommandError(`${file} is no YAML; give the values file of the docker-postfix chart`);
  }
  const { config, secret } = asRecord(root);
  const { general, postfix, opendkim } = asRecord(config);
  if (!isRecord(config) && !isRecord(secret)) {
    throw new CommandError(`${file} has neither config nor secret; give the values file of the docker-postfix chart`);
  }
  const prefixed = Object.entries(asRecord(postfix)).map(([name, value]) => [`POSTFIX_${name}`, value]);
  const more = isRecord(opendkim) && Object.keys(opendkim).length > 0 ? { DKIM_AUTOGENERATE: 'true' } : {};
  const all = { ...asRecord(general), ...Object.fromEntries(prefixed), ...asRecord(secret), ...more };
  return Object.fromEntries(
    Object.entries(all).flatMap(([name, value]) =>
      typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
        ? [[name, String(value)]]
        : [],
    ),
  );
}

function upstreamOf(values: Values, warnings: string[]): ImportedUpstream | undefined {
  const { RELAYHOST: relayHost = '', RELAYHOST_USERNAME: username, RELAYHOST_PASSWORD: password } = values;
  if (relayHost === '') {
    warnings.push(
      'there is no RELAYHOST: mail went to the MX of each recipient, and SMTP+ always needs a smart host; name one in spec.upstream of the list, or for the class',
    );
    return undefined;
  }
  const found = relayHostOf(relayHost);
  if (found === undefined) {
    warnings.push(`RELAYHOST ${relayHost} is no [HOST]:PORT; name the smart host in spec.upstream of the list`);
    return undefined;
  }
  const { host, port, isDomain } = found;
  if (isDomain) {
    warnings.push(
      `RELAYHOST ${relayHost} has no brackets, so Postfix looked up its MX; SMTP+ connects to ${host} itself: correct spec.upstream.host if that is no server`,
    );
  }
  const level = values['RELAYHOST_TLS_LEVEL'] ?? values['POSTFIX_smtp_tls_security_level'] ?? 'may';
  const hasLogin = username !== undefined && username !== '';
  const tls = tlsOfLevel(level, port);
  if (tls === 'Opportunistic' && hasLogin) {
    warnings.push(
      'the TLS level is "may", with a password: SMTP+ then verifies the certificate, so this is written as StartTLS',
    );
  }
  return {
    host,
    port,
    tls: tls === 'Opportunistic' && hasLogin ? 'StartTLS' : tls,
    ...(hasLogin && { username, password }),
  };
}

/** `name:password,name:password`. */
function usersOf({ SMTPD_SASL_USERS: users = '' }: Values, warnings: string[]): readonly ImportedUser[] {
  const found = users.split(',').flatMap((pair) => {
    const [login = '', ...password] = pair.trim().split(':');
    return login === '' ? [] : [{ login, password: password.join(':') }];
  });
  if (found.length > 0) return found;
  warnings.push(
    'there are no SMTPD_SASL_USERS: whoever was in mynetworks could send without a log-in. SMTP+ gives each application a user of its own; `application` is the first, add the others',
  );
  return [{ login: 'application' }];
}

function lostOf(values: Values): readonly string[] {
  return Object.keys(values)
    .filter((name) => !UNDERSTOOD.has(name))
    .map(
      (name) =>
        `${name} is not carried over: ${LOST[name] ?? 'look whether a setting or a field of SMTP+ does the same'}`,
    );
}

function wordsOf(text: string = ''): readonly string[] {
  return text.split(/[\s,]+/).filter((word) => word !== '');
}
