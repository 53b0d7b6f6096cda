/** The records that external-dns is asked to publish for a VerifiedSender, and what has become of them. Plain data. */

/** All that the DNSEndpoint of a VerifiedSender is to have; nothing: there is to be none. */
export type EndpointRecords = readonly { readonly name: string; readonly value: string }[];

/** What has become of a DNSEndpoint. */
export interface PublicationFact {
  readonly reason: 'Published' | 'CrdMissing' | 'EndpointNotOwned' | 'EndpointNotWritten';
  /** For people. */
  readonly message: string;
}

export interface PublicationFacts {
  /** By key of the VerifiedSender. */
  readonly publications?: ReadonlyMap<string, PublicationFact>;
}

export interface PublicationPlan {
  /** By key of the VerifiedSender; those that are to have something. */
  readonly endpoints: ReadonlyMap<string, EndpointRecords>;
}
