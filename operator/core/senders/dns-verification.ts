/** How senders are verified by DNS. */
export interface DnsVerification {
  /** There are no look-ups. */
  readonly isDisabled?: true;
  /** From the first look-up that misses a record that was there (or the end of a vouching) to the revocation. */
  readonly graceSeconds: number;
  /** Which records DNSEndpoints may have; `NoCluster`: there is nowhere to make them. Absent: none. */
  readonly endpoints?: 'NoCluster' | 'None' | 'DKIM' | 'All';
  /** A domain whose SPF record allows the servers that hand mail on to the world. Absent: nobody has said so. */
  readonly spfInclude?: string;
}
