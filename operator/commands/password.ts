/** `password`: what an application logs in with, to be copied, or as shell variables. */
import type { ObjectName } from '../api/names.ts';
import { credentialsOf, type AppCredentials } from './credentials.ts';
import type { Result, Source } from './source.ts';

export async function runPassword(source: Source, name: ObjectName, output: string): Promise<Result> {
  const credentials = await credentialsOf(source, name);
  const { user: _, ca, isImplicitTls, ...shown } = credentials;
  return {
    code: 0,
    text: output === 'env' ? linesFor(credentials).join('\n') : credentials.password,
    json: { ...shown, tls: isImplicitTls ? 'TLS' : 'STARTTLS', ca: ca ?? null },
  };
}

function linesFor({ host, port, username, password, isImplicitTls, ca }: AppCredentials): readonly string[] {
  const variables = {
    SMTP_HOST: host,
    SMTP_PORT: String(port),
    SMTP_USERNAME: username,
    SMTP_PASSWORD: password,
    SMTP_TLS: isImplicitTls ? 'TLS' : 'STARTTLS',
    ...(ca !== undefined && { SMTP_CA: ca }),
  };
  return Object.entries(variables).map(([key, value]) => `export ${key}=${quoted(value)}`);
}

/** In single quotes, within which a shell reads nothing but their end. */
function quoted(value: string): string {
  return `'${value.replaceAll("'", String.raw`'\''`)}'`;
}
