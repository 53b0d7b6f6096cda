/** What can be measured: a server that takes mail over STARTTLS with a log-in and, mostly, hands it to a smart host. */
import type { ProcessGroup } from '../process-group.ts';
import type { Login } from './message.ts';

export interface Contender {
  readonly name: string;
  /** Whether what it accepts comes to the smart host. */
  readonly delivers: boolean;
  /** Makes a configuration and an empty queue of its own in the folder, and runs on them. */
  readonly start: (place: Place) => Promise<Started>;
}

export interface Place {
  readonly folder: string;
  /** Where it is to listen, and where the smart host does. */
  readonly port: number;
  readonly smartHost: number;
}

export interface Started {
  readonly group: ProcessGroup;
  readonly login: Login;
}

/** What peers that are run by a command have to let in, as the one account of many or of all. */
export const ACCOUNT: Login = { user: 'app1@example.org', password: 'password-1', from: 'app1@example.org' };
