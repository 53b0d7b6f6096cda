/** Why a start failed, in words that name the flag to change. */
import { resolve } from 'node:path';
import { inWords, messageOf } from '../errors.ts';
import { isAtOrBelow } from '../manifests/walk.ts';
import { tooManyFiles } from './open-files.ts';

/** What somebody has asked for, as far as the system can object to it. */
export interface StartOptions {
  /** Absent where there is none. */
  readonly state?: string | undefined;
  /** Absent: all addresses. */
  readonly host?: string | undefined;
  readonly implicitTlsPorts: readonly number[];
  readonly http: number;
}

/** The system's errors of `listen` and of files, as Node makes them. */
interface SystemError extends Error {
  readonly code: string;
  readonly syscall?: string;
  readonly path?: string;
  readonly port?: number;
}

export function explainStart(error: unknown, asked: StartOptions): string {
  if (!isSystemError(error)) return messageOf(error);
  const { code, syscall, path, port } = error;
  if (code === 'EMFILE' || code === 'ENFILE') return tooManyFiles(code);
  if (path !== undefined && asked.state !== undefined && isAtOrBelow(resolve(path), [resolve(asked.state)])) {
    return `the state folder ${asked.state} cannot be used: ${inWords(error)}, at ${path}; mend that, or name another: --state DIR`;
  }
  if (syscall === 'getaddrinfo') {
    return `--host ${asked.host} has no address: ${error.message}; name one of this machine`;
  }
  if (syscall === 'listen') return explainListen(code, port ?? 0, asked);
  return path === undefined ? error.message : `${path} cannot be used: ${inWords(error)}`;
}

function explainListen(code: string, port: number, { host, http, implicitTlsPorts }: StartOptions): string {
  const flag = port === http ? '--http' : implicitTlsPorts.includes(port) ? '--implicit-tls-ports' : '--ports';
  switch (code) {
    case 'EADDRINUSE': {
      const goOn = flag === '--http' ? '' : ', or go on without it: --skip-busy-ports';
      const where = host === undefined ? '' : ` at ${host}`;
      return `port ${port} is in use${where}: another program has it. End that one, choose another port with ${flag}${goOn}`;
    }
    case 'EACCES':
      return (
        `port ${port} may not be opened by this user (${code}): it is not in use, but ports below 1024 need a right of ` +
        `their own. Choose another with ${flag}, or allow it: sysctl net.ipv4.ip_unprivileged_port_start=${port}`
      );
    case 'EADDRNOTAVAIL':
      return `--host ${host} is no address of this machine (${code}); name another`;
    case 'EAFNOSUPPORT':
      return `--host ${host} is of a kind that this machine has not set up (${code}); name another`;
    default:
      return `port ${port} of ${flag} cannot be opened on ${host ?? 'any address'}: ${code}`;
  }
}

function isSystemError(error: unknown): error is SystemError {
  return error instanceof Error && 'code' in error && typeof error.code === 'string';
}
