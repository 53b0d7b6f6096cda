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
}

/** The final answer to one message. */
export interface Reply {
  /** In its header, `X-Test-Id`. */
  readonly id: string;
  readonly reply: string;
  /** How often it had to be sent: after a temporary refusal, or a connection that ended. */
  readonly tries: number;
}

export interface Received {
  readonly id: string;
  readonly mailFrom: string;
  readonly recipients: readonly string[];
  readonly message: string;
}
