/** What the pods of the test are told, and what they tell. */

export interface Port {
  readonly port: number;
  readonly implicitTls?: boolean;
  /** Instead of the Secret's. */
  readonly host?: string;
  /** Name in the certificate, where that is not the host. */
  readonly servername?: string;
  /** What a load balancer says before the client does: whose connection it is. */
  readonly proxyHeader?: string;
}

/** One message over each port, or a load over the first one until standard input ends. Nothing to do: it waits. */
export interface Job {
  readonly kind: 'each' | 'load';
  readonly ports: readonly Port[];
  readonly from: string;
  /** Of one message over each port: a temporary refusal is the final answer, too. */
  readonly isTriedOnce?: boolean;
  /** Of a load: a connection for each message, by the `ca.crt` that is in the Secret then. Default: connections are kept. */
  readonly isEachAnew?: boolean;
  /** Of a load: between two messages of one connection; milliseconds. Default: 100. */
  readonly pauseMs?: number;
}

/** Log-ins at each port, over and over, until standard input ends. */
export interface LogIns {
  readonly kind: 'log-ins';
  readonly ports: readonly Port[];
}

/** What a port has answered to a log-in, where that is not what it answered to the one before. */
export interface LogInAnswer {
  /** Of the port, among those of the job. */
  readonly index: number;
  /** `accepted`, or the words of the refusal. */
  readonly answer: string;
}

/** The final answer to one message. */
export interface Reply {
  /** In its header, `X-Test-Id`. */
  readonly id: string;
  readonly reply: string;
  /** How often it had to be sent: after a temporary refusal, or a connection that ended. */
  readonly tries: number;
  /** What was answered to those tries that were not the last, and what ended their connections. */
  readonly heard: readonly string[];
  /** When it was answered, as Date.now() has it. */
  readonly time: number;
}

export interface Received {
  readonly id: string;
  readonly mailFrom: string;
  readonly recipients: readonly string[];
  readonly message: string;
}
